# The controller as an image: one static binary, nothing else. No shell, no package manager, no user but 65532.
#
#   docker build -t serin .
#
# The binary is linked statically against glibc (crt-static), so the last stage needs no library. Names are still resolved by
# /etc/resolv.conf and /etc/hosts, which the kubelet mounts; glibc's pluggable resolvers (LDAP and the like) are not there.
# The file system may be read-only: the controller writes to none, unless --dump-observed names a folder.
FROM rust:1-bookworm AS build
WORKDIR /serin
COPY . .
ENV RUSTFLAGS="-C target-feature=+crt-static"
# The target is named, so that the flag is for the program alone: macros of the compiler are shared libraries.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked -p serin-controller --target "$target" \
 && cp "target/$target/release/serin-controller" /serin-controller

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /serin-controller /bin/serin-controller
USER 65532:65532
EXPOSE 8090 8080
ENTRYPOINT ["/bin/serin-controller"]
