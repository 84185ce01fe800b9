# `docker buildx bake` builds the image for this machine; `docker buildx bake --push release`
# publishes it for every platform, as .github/workflows/docker.yml does.

# Where to publish: one or more names, separated by spaces.
variable "IMAGES" {
  default = "docker.io/{{ cookiecutter.dockerhub_user }}/{{ cookiecutter.project_slug }}"
}

# The release, such as 1.2.3; without one, the image is called edge.
variable "VERSION" {
  default = ""
}

# The commit.
variable "REVISION" {
  default = ""
}

variable "TAGS" {
  default = (
    VERSION == "" ? ["edge"] :
    can(regex("^[0-9.]+(?:post[0-9]+)?$", VERSION)) ? distinct([VERSION, regex("^[0-9]+(?:[.][0-9]+)?", VERSION), "latest"]) :
    [VERSION] # a pre-release
  )
}

target "default" {
  tags       = ["{{ cookiecutter.project_slug }}"]
  output     = ["type=docker"]
  cache-from = ["type=gha"] # only found on GitHub
}

target "release" {
  inherits  = ["default"]
  tags      = [for name in setproduct(split(" ", IMAGES), TAGS) : join(":", name)]
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.version"  = TAGS[0]
  }
  attest   = ["type=provenance,mode=max", "type=sbom"]
  cache-to = ["type=gha,mode=max"]
  # With SOURCE_DATE_EPOCH set, the files are as old as the commit, and the digest is reproducible.
  # An engine's own store cannot keep such an image: it is only pushed.
  output = ["type=image,rewrite-timestamp=true,store=false"]
}
