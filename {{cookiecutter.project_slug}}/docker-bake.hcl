# `docker buildx bake` builds the image for this machine; `docker buildx bake --push release`
# publishes it for every platform. .github/workflows/release.yml sets the variables.

variable "IMAGE" { default = "docker.io/{{ cookiecutter.dockerhub_user }}/{{ cookiecutter.project_slug }}" }

# The tags, separated by spaces, such as "1.2.3 1.2 latest". The first one is the version.
variable "TAGS" { default = "edge" }

# The commit.
variable "REVISION" { default = "" }

target "default" {
{%- if cookiecutter._image.dockerfile not in ("", "Dockerfile") %}
  dockerfile = "{{ cookiecutter._image.dockerfile }}"
{%- endif %}
  tags       = ["{{ cookiecutter.project_slug }}"]
  output     = ["type=docker"]
  cache-from = ["type=gha"] # ignored outside GitHub
}

target "release" {
  inherits  = ["default"]
  tags      = [for tag in distinct(split(" ", TAGS)) : "${IMAGE}:${tag}"]
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.version"  = split(" ", TAGS)[0]
  }
  attest   = ["type=provenance,mode=max,version=v1", "type=sbom"]
  cache-to = ["type=gha,mode=max"]
  # With SOURCE_DATE_EPOCH, this sets every timestamp, and the image of each platform is reproducible.
  # The engine's image store does not support this, so the image is only pushed.
  output = ["type=image,rewrite-timestamp=true,store=false"]
}
