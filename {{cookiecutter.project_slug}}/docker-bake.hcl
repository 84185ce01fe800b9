# `docker buildx bake` builds the image for this machine; `docker buildx bake --push release`
# publishes it for every platform, as .github/workflows/docker.yml does.

# GitHub Actions sets the first four. The workflow sets the fifth; without Docker Hub, it is empty.
variable "GITHUB_REPOSITORY" { default = "" }
variable "GITHUB_REF_TYPE" { default = "" }
variable "GITHUB_REF_NAME" { default = "" }
variable "GITHUB_SHA" { default = "" }
variable "DOCKERHUB_USERNAME" {
  default = GITHUB_REPOSITORY == "" ? "{{ cookiecutter.dockerhub_user }}" : ""
}

# The names of the image, separated by spaces.
variable "IMAGES" {
  default = join(" ", compact([
    DOCKERHUB_USERNAME == "" ? "" : "docker.io/${lower(DOCKERHUB_USERNAME)}/{{ cookiecutter.project_slug }}",
    GITHUB_REPOSITORY == "" ? "" : "ghcr.io/${lower(GITHUB_REPOSITORY)}",
  ]))
}

# The release, such as 1.2.3. Without one, the image gets the tag edge.
variable "VERSION" {
  default = GITHUB_REF_TYPE == "tag" ? trimprefix(GITHUB_REF_NAME, "v") : ""
}

# The commit.
variable "REVISION" {
  default = GITHUB_SHA
}

variable "TAGS" {
  default = (
    VERSION == "" ? ["edge"] :
    can(regex("^[0-9.]+(?:post[0-9]+)?$", VERSION)) ? distinct([VERSION, regex("^[0-9]+(?:[.][0-9]+)?", VERSION), "latest"]) :
    [VERSION] # a pre-release has no other tags
  )
}

target "default" {
  tags       = ["{{ cookiecutter.project_slug }}"]
  output     = ["type=docker"]
  cache-from = ["type=gha"] # ignored outside GitHub
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
  # With SOURCE_DATE_EPOCH, this sets every timestamp, and the image of each platform is reproducible.
  # The engine's image store does not support this, so the image is only pushed.
  output = ["type=image,rewrite-timestamp=true,store=false"]
}
