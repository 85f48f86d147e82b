# The controller as an image: one static binary that runs as user 65532, without a shell or a package manager.
#
#   docker build -t serin .
#
# The target `check` is an image for CI: `serin`, kustomize, git and a shell.
#
#   docker build --target check -t serin-check .
#
# The binary is linked statically against glibc (crt-static), so the last stage needs no library. It resolves names with
# /etc/resolv.conf and /etc/hosts, which the kubelet mounts; glibc's pluggable resolvers (such as LDAP) are not available.
# The file system may be read-only: the controller writes to none, unless --dump-observed names a folder.
FROM rust:1-bookworm AS build
WORKDIR /serin
COPY . .
ENV RUSTFLAGS="-C target-feature=+crt-static"
# With a target named, the flag applies to the program only: procedural macros are shared libraries.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked -p serin-controller --target "$target" \
 && cp "target/$target/release/serin-controller" /serin-controller

FROM build AS build-check
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked -p serin --target "$target" \
 && cp "target/$target/release/serin" /usr/local/bin/serin

FROM golang:1-bookworm AS kustomize
RUN CGO_ENABLED=0 GOBIN=/out go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1

FROM debian:bookworm-slim AS check
RUN apt-get update \
 && apt-get install -y --no-install-recommends git ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build-check /usr/local/bin/serin /usr/local/bin/serin
COPY --from=kustomize /out/kustomize /usr/local/bin/kustomize
USER 65532:65532
WORKDIR /workspace
ENTRYPOINT ["/usr/local/bin/serin"]
CMD ["check", "."]

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /serin-controller /bin/serin-controller
USER 65532:65532
EXPOSE 8090 8080
ENTRYPOINT ["/bin/serin-controller"]
