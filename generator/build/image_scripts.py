"""The shell scripts of an image build. Every value comes in a variable, so nothing a spec says is ever shell.

Variables: WORKSPACE (what the containers share), AUTH (folder of config.json), IMAGE (the tag to push), SOURCE and
DIGEST (where the Bento is and what it must be), BENTO and VERSION (its tag). They run under `sh` of BusyBox too.
"""

_SKIP = """\
set -eu
if [ -e "$WORKSPACE/there" ]; then exit 0; fi
"""

# A tag that is there is never pushed again: two builds of one source differ, and somebody may run the first. Only
# "not found" lets the build go on, for a registry that is down or refuses us says nothing about the tag.
EXISTS = """\
set -eu
if answer=$(oras manifest fetch --descriptor --registry-config "$AUTH/config.json" "$IMAGE" 2>&1); then
  echo "$IMAGE is there already"
  printf '%s\\n' "$answer" > "$WORKSPACE/there"
  exit 0
fi
case $answer in
  *": not found") echo "$IMAGE is not there yet" ;;
  *)
    printf '%s\\n' "$answer" >&2
    exit 1
    ;;
esac
"""

# BentoML makes model folders 0700 and the archive keeps that: without the chmod another user cannot read them.
_UNPACK = """\
unpack() {
  mkdir "$WORKSPACE/context"
  case $1 in
    *.tar.gz | *.tgz) tar -xzof "$1" -C "$WORKSPACE/context" ;;
    *) tar -xof "$1" -C "$WORKSPACE/context" ;;
  esac
  chmod -R a+rX "$WORKSPACE/context"
  for file in bento.yaml env/docker/Dockerfile; do
    if [ ! -f "$WORKSPACE/context/$file" ]; then
      echo "$SOURCE holds no $file: it is no exported Bento (bentoml export)" >&2
      exit 1
    fi
  done
}
"""

FETCH_OCI = f"""\
{_SKIP}{_UNPACK}\
oras pull --registry-config "$AUTH/config.json" --output "$WORKSPACE/download" "$SOURCE@$DIGEST"
set -- "$WORKSPACE"/download/*
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
  echo "$SOURCE must hold one file, the exported Bento" >&2
  exit 1
fi
unpack "$1"
"""

FETCH_S3 = f"""\
{_SKIP}{_UNPACK}\
mkdir "$WORKSPACE/download"
file="$WORKSPACE/download/${{SOURCE##*/}}"
aws s3 cp --only-show-errors "$SOURCE" "$file"
echo "$DIGEST  $file" | sha256sum -c -
unpack "$file"
"""

# A build must not come from a Bento in the store, which lacks its models: only `bentoml export` puts them in. The path
# is absolute because BentoML resolves a relative one against the root.
FETCH_GIT = f"""\
{_SKIP}{_UNPACK}\
git init -q "$WORKSPACE/source"
cd "$WORKSPACE/source"
git fetch -q --depth 1 -- "$SOURCE" "$DIGEST"
git checkout -q --detach FETCH_HEAD
if [ "$(git rev-parse HEAD)" != "$DIGEST" ]; then
  echo "$SOURCE gave another commit than $DIGEST" >&2
  exit 1
fi
bentoml build --name "$BENTO" --version "$VERSION" .
bentoml export "$BENTO:$VERSION" "$WORKSPACE/bento.tar.gz"
unpack "$WORKSPACE/bento.tar.gz"
"""

FETCH = {"oci": FETCH_OCI, "s3": FETCH_S3, "git": FETCH_GIT}

# No SOURCE_DATE_EPOCH and no rewrite-timestamp: with the times of the sources changed Python takes none of the compiled
# files that were made in the build, and compiles at every start. The metadata goes to a folder and not straight to the
# termination log, because buildctl replaces the file, which a mounted one does not allow.
BUILD = """\
set -eu
report() {
  echo "$IMAGE@$1" | tee "$TERMINATION_LOG"
}
if [ -e "$WORKSPACE/there" ]; then
  report "$(sed -n 's/.*"digest": *"\\(sha256:[0-9a-f]*\\)".*/\\1/p' "$WORKSPACE/there")"
  exit 0
fi
buildctl-daemonless.sh build \\
  --progress plain \\
  --frontend dockerfile.v0 \\
  --local context="$WORKSPACE/context" \\
  --local dockerfile="$WORKSPACE/context/env/docker" \\
  --opt build-arg:BUILDKIT_SYNTAX=dockerfile.v0 \\
  --opt "label:org.opencontainers.image.source=$SOURCE" \\
  --opt "label:org.opencontainers.image.revision=$DIGEST" \\
  --opt "label:org.opencontainers.image.version=$VERSION" \\
  --opt attest:provenance=mode=max \\
  --source-policy-file "$CONFIG/policy.json" \\
  --metadata-file "$OUT/metadata.json" \\
  --output "type=image,name=$IMAGE,push=true,oci-mediatypes=true"
report "$(sed -n 's/.*"containerimage.digest": *"\\(sha256:[0-9a-f]*\\)".*/\\1/p' "$OUT/metadata.json")"
"""
