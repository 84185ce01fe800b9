# CPython and BusyBox with musl, without glibc, from Debian's source packages: the stand-in for
# python:3.13-alpine. The build takes about six minutes on two x86-64 cores. Debian's mirror
# lacks the sources of Python 3.14 and 3.15.
# The official image differs: it is Alpine, with apk and more users and groups, and its Python
# has link-time optimization, sqlite3, curses, readline, dbm.gnu, uuid and tkinter.

FROM debian-base AS tools
RUN sed -i 'p;s/^deb /deb-src /' /etc/apt/sources.list \
 && apt-get update -o Acquire::Check-Valid-Until=false \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends musl-tools linux-libc-dev \
    dpkg-dev make perl xz-utils bzip2 autoconf automake libtool libltdl-dev netbase tzdata
# musl-gcc lacks the kernel's headers.
RUN for headers in linux asm-generic mtd; do ln -s /usr/include/$headers /usr/include/x86_64-linux-musl/; done \
 && ln -s /usr/include/x86_64-linux-gnu/asm /usr/include/x86_64-linux-musl/
# Unpack a package's upstream source without Debian's patches, in the newest version on the
# mirror, whose index can list versions that it no longer has.
COPY --chmod=755 <<'UPSTREAM' /opt/upstream
#!/bin/sh -eu
mkdir -p "/src/$1"
cd /src
for version in $(apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -rV); do
    if apt-get source --tar-only --only-source "$1=$version"; then break; fi
done
tar -xf "$1"_*.orig.tar.?z* -C "$1" --strip-components=1
UPSTREAM
ARG JOBS
ENV CC=musl-gcc CFLAGS="-O2 -fPIC" PREFIX=/musl MAKEFLAGS=-j$JOBS

# Debian's own busybox is linked to glibc. The applet tc needs older kernel headers.
FROM tools AS busybox
RUN /opt/upstream busybox && cd /src/busybox && make defconfig \
 && sed -i 's/^CONFIG_TC=y/# CONFIG_TC is not set/' .config && make CC=$CC busybox

FROM tools AS image
RUN /opt/upstream zlib && cd /src/zlib && ./configure --static --prefix=$PREFIX && make libz.a && make install
RUN /opt/upstream bzip2 && cd /src/bzip2 && make CC=$CC CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64" libbz2.a \
 && cp bzlib.h $PREFIX/include/ && cp libbz2.a $PREFIX/lib/
RUN /opt/upstream xz-utils && cd /src/xz-utils && ./configure --host=x86_64-linux-musl --prefix=$PREFIX --disable-shared \
    --disable-nls --disable-doc --disable-xz --disable-xzdec --disable-lzmadec --disable-lzmainfo --disable-scripts \
 && make && make install
RUN /opt/upstream libffi && cd /src/libffi && autoreconf --install && ./configure --host=x86_64-linux-musl \
    --prefix=$PREFIX --disable-shared --disable-docs --disable-multi-os-directory && make && make install
RUN /opt/upstream openssl && cd /src/openssl && ./Configure linux-x86_64 --prefix=$PREFIX --libdir=lib \
    --openssldir=/etc/ssl no-shared no-module no-tests no-docs no-apps && make build_sw && make install_sw
# These are the official options, without link-time optimization, which takes four more
# minutes, but makes the start less than 5% shorter. A thread has a stack of 1 MiB, since
# musl's 128 KiB are not enough for the recursion limit. configure must not get the platform
# from the compiler, since Debian's compiler returns the one for glibc.
RUN unset CFLAGS && /opt/upstream python3.13 && cd /src/python3.13 \
 && sed -i 's/ --print-multiarch/ --no-such-option/' configure && ./configure --build=x86_64-linux-musl --enable-shared \
    --with-ensurepip --disable-test-modules --enable-option-checking=fatal --with-openssl=$PREFIX \
    CPPFLAGS=-I$PREFIX/include LDFLAGS="-L$PREFIX/lib -Wl,--strip-all" \
    LIBFFI_CFLAGS=-I$PREFIX/include LIBFFI_LIBS="-L$PREFIX/lib -lffi" \
 && make EXTRA_CFLAGS="-DTHREAD_STACK_SIZE=0x100000 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer" \
 && make install
COPY ca-certificates.crt /image/etc/ssl/certs/
COPY --from=busybox /src/busybox/busybox /image/bin/
WORKDIR /image
RUN mkdir -p dev home lib proc root run sbin sys tmp usr/bin usr/lib usr/sbin usr/share var/tmp && chmod 1777 tmp var/tmp \
 && cp -L /lib/ld-musl-x86_64.so.1 lib/ && ln -s ld-musl-x86_64.so.1 lib/libc.musl-x86_64.so.1 \
 && ln -s /lib/ld-musl-x86_64.so.1 usr/bin/ldd && chroot . /bin/busybox --install -s \
 && cp -a /usr/local usr/ && cp -a /usr/share/zoneinfo usr/share/ && cp /etc/services /etc/protocols etc/ \
 && find usr/local -depth \( -type d \( -name test -o -name tests -o -name idle_test \) \
        -o -type f \( -name '*.pyc' -o -name 'libpython*.a' \) \) -exec rm -rf {} + \
 && for name in idle3 pip3 pydoc3 python3 python3-config; do ln -s $name usr/local/bin/$(echo $name | tr -d 3); done \
 && ln -s certs/ca-certificates.crt etc/ssl/cert.pem \
 && printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/sbin/nologin >etc/passwd \
 && printf '%s\n' root:x:0:root nogroup:x:65533: nobody:x:65534: >etc/group \
 && printf '%s\n' ID=musl-stand-in 'PRETTY_NAME="musl and BusyBox from Debian, not Alpine"' >etc/os-release

FROM scratch AS alpine
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
COPY --from=image /image /
# The build fails unless pip would install wheels for musl, and no file uses glibc.
RUN PYTHONDONTWRITEBYTECODE=1 python - <<'PYTHON'
import bz2, ctypes, lzma, ssl, zlib
from pathlib import Path
from pip._vendor.packaging.tags import sys_tags

platforms = {tag.platform.partition("_1_")[0] for tag in sys_tags()}
assert platforms == {"musllinux", "linux_x86_64", "any"}, platforms
for folder in ("/bin", "/lib", "/sbin", "/usr"):
    for path in filter(Path.is_file, Path(folder).rglob("*")):
        content = path.read_bytes()
        if content.startswith(b"\x7fELF"):
            assert not any(name in content for name in (b"ld-linux-", b"libc.so.6", b"GLIBC_2.")), path
PYTHON
