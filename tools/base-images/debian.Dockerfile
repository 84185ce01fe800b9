# Stand-ins for the official images of Python. `tools/engine images` builds and tags them. They
# follow Dockerfile-linux.template in docker-library/python: Python in /usr/local, the same
# PATH, commands, headers and bundled pip, no .pyc files and no EXTERNALLY-MANAGED. They
# still differ from the official images:
# - Python is Debian's build, with dist-packages on sys.path (a link to site-packages), and
#   without libpython3.X.so, tkinter and dbm.gnu. The system is Debian testing, in one layer.
# - PYTHON_VERSION, PYTHON_SHA256 and GPG_KEY are not set. SSL_CERT_FILE and REQUESTS_CA_BUNDLE
#   are, and the image contains the certificates that this machine trusts.
# - The alpine images are Debian with BusyBox in place of all commands. They show that no RUN
#   line needs a GNU tool, but do not test musl. python:3.13-alpine does: musl.Dockerfile.

FROM debian-base AS debian
ARG VERSION
ENV PYTHONDONTWRITEBYTECODE=1
COPY ca-certificates.crt /etc/ssl/certs/
# Unpack Python's packages instead of installing them: an installation would compile the
# standard library, and the official images do not have Debian's Python installed.
WORKDIR /var/cache/apt/archives
RUN apt-get update -o Acquire::Check-Valid-Until=false \
 && apt-get install -y --no-install-recommends --download-only python$VERSION python$VERSION-venv netbase tzdata busybox \
 && apt-get download libpython$VERSION-dev idle-python$VERSION \
 && for package in *python*.deb; do dpkg --extract $package /debian || exit; done && rm *python*.deb && dpkg --install *.deb \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
# The folder of the executable determines sys.prefix. The official recipe has the same links.
WORKDIR /usr/local/bin
RUN mv /debian/usr/bin/python$VERSION /debian/usr/bin/pydoc$VERSION . \
 && mv /debian/usr/bin/idle-python$VERSION idle$VERSION && mv /debian/usr/bin/*-python$VERSION-config python$VERSION-config \
 && sed -i '1s|/usr/bin|/usr/local/bin|' idle$VERSION pydoc$VERSION \
 && for name in idle pydoc python; do ln -s $name$VERSION ${name}3; done && ln -s python$VERSION-config python3-config \
 && for name in idle3 pip3 pydoc3 python3 python3-config; do ln -s $name $(echo $name | tr -d 3); done \
 && mv /debian/usr/include/python$VERSION ../include/ && mv /debian/usr/include/*/python$VERSION/pyconfig.h ../include/python$VERSION/ \
 && mv /debian/usr/lib/python$VERSION ../lib/
# Undo Debian's changes to Python. The link dist-packages is needed because site.py, which
# is compiled into the executable, adds dist-packages to sys.path, and not site-packages.
WORKDIR /usr/local/lib/python$VERSION
RUN rm EXTERNALLY-MANAGED sitecustomize.py && mkdir site-packages && ln -s site-packages dist-packages \
 && sed -i 's#/usr/\(bin/python\|include\|lib/python\)#/usr/local/\1#g' _sysconfig* \
 && sed -i "s/scheme = 'posix_local'/scheme = 'posix_prefix'/" sysconfig/__init__.py \
 && sed -i '/^    _ensurepip_is_disabled/d' ensurepip/__init__.py
# Debian's pip can be newer than the one that Python bundles. Download the version that
# ensurepip names, and install it as "make install" does.
RUN PYTHONPATH=$(echo /debian/usr/share/python-wheels/pip-*.whl) python -m pip download --quiet --no-deps \
        --dest ensurepip/_bundled pip==$(python -c 'import ensurepip; print(ensurepip._PIP_VERSION)') \
 && python$VERSION -m ensurepip && rm -r /debian \
 && find /usr/local -depth \( -type d \( -name test -o -name tests -o -name idle_test \) \
        -o -type f \( -name '*.pyc' -o -name 'libpython*.a' \) \) -exec rm -rf {} +

FROM debian AS busybox
RUN find /usr/bin /usr/sbin -mindepth 1 ! -name busybox -delete && busybox --install -s

FROM scratch AS settings
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
FROM settings AS slim
COPY --from=debian / /
FROM settings AS alpine
COPY --from=busybox / /
