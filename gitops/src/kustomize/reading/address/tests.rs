use super::*;

#[test]
fn what_kustomize_would_fetch() {
    for remote in [
        "https://example.com/x.yaml",
        "git@github.com:org/repo.git",
        "github.com/org/repo//deploy?ref=v1",
        "git::https://example.com/x",
        "ssh://git@example.com/x",
        "org/repo.git/path",
        "example.com/org/repo//path",
        "file:///etc/passwd",
    ] {
        assert!(is_remote(remote), "{remote}");
    }
    for local in ["../base", "deployment.yaml", "a.b/c.yaml", "./x.d/y", "base//x"] {
        assert!(!is_remote(local), "{local}");
    }
}

#[test]
fn secrets_of_an_address_are_not_shown() {
    assert_eq!(
        shown("https://user:canary@example.com/a/b?token=canary#x"),
        "https://example.com/a/b"
    );
    assert_eq!(shown("github.com/a/b?ref=v1"), "github.com/a/b");
}

#[test]
fn published_addresses_have_copies() {
    let raw = "https://raw.githubusercontent.com/argoproj/argo-rollouts/master/docs/features/kustomize/";
    let pages = "https://argoproj.github.io/argo-rollouts/features/kustomize/";
    for prefix in [raw, pages] {
        for file in [
            "rollout-transform.yaml",
            "rollout-transform-kustomize-v5.yaml",
            "rollout_cr_schema.json",
        ] {
            assert!(copy_of(&format!("{prefix}{file}")).is_some(), "{prefix}{file}");
        }
    }
    for other in [
        "http://argoproj.github.io/argo-rollouts/features/kustomize/rollout-transform.yaml",
        "https://raw.githubusercontent.com/someone/argo-rollouts/master/docs/features/kustomize/rollout-transform.yaml",
        "https://argoproj.github.io.example.com/argo-rollouts/rollout-transform.yaml",
        "https://argoproj.github.io/argo-rollouts/features/other.yaml",
    ] {
        assert!(copy_of(other).is_none(), "{other}");
    }
}
