# The controller as an image: one static binary that runs as user 65532, without a shell or a package manager.
#
#   docker build -t serin .
#   docker build -t serin-check --target check .     the command line with git and kustomize, for CI jobs (docs/check.md)
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

# The command line. git is there for the jobs around it: serin itself reads repositories without it.
FROM build AS build-cli
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked -p serin --target "$target" \
 && cp "target/$target/release/serin" /serin-cli

FROM golang:1.26-bookworm AS kustomize
COPY e2e/kustomize /kustomize
RUN /kustomize/build /out && cp "$(ls -v /out/kustomize-* | tail -n 1)" /usr/local/bin/kustomize

FROM debian:bookworm-slim AS check
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
COPY --from=kustomize /usr/local/bin/kustomize /usr/local/bin/
COPY --from=build-cli /serin-cli /usr/local/bin/serin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/serin"]

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /serin-controller /bin/serin-controller
USER 65532:65532
EXPOSE 8090 8080
ENTRYPOINT ["/bin/serin-controller"]
