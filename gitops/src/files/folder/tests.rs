#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

#[test]
fn what_stands_at_a_path() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::create_dir(root.join("b")).unwrap();
    fs::write(root.join("b/f.yaml"), "a: 1").unwrap();
    fs::write(root.join("a"), "").unwrap();
    let folder = Folder::new(root).unwrap();
    assert_eq!(folder.kind(Path::new("b/f.yaml")).unwrap(), Some(Kind::File(4)));
    assert_eq!(folder.kind(Path::new("./b")).unwrap(), Some(Kind::Folder));
    assert_eq!(folder.kind(Path::new("")).unwrap(), Some(Kind::Folder));
    assert_eq!(folder.kind(Path::new("c")).unwrap(), None);
    assert_eq!(folder.kind(Path::new("a/below/a/file")).unwrap(), None);
    assert_eq!(folder.read(Path::new("b/f.yaml")).unwrap(), b"a: 1");
    assert_eq!(folder.list(Path::new("")).unwrap(), ["a", "b"]);
    for (path, why) in [
        ("b", "it is a folder"),
        ("c", "there is no such file"),
        ("../x", "the path leads out of the folder"),
        ("/etc/hostname", "the path leads out of the folder"),
    ] {
        assert_eq!(folder.read(Path::new(path)).unwrap_err().why, why, "{path}");
    }
    assert_eq!(folder.list(Path::new("a")).unwrap_err().why, "it is a file");
    assert_eq!(Folder::new(&root.join("a")).unwrap_err().why, "it is no folder");
    assert!(Folder::new(&root.join("none")).is_err());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "canary").unwrap();
    let root = temporary.path();
    std::os::unix::fs::symlink(outside.path(), root.join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), root.join("file")).unwrap();
    let folder = Folder::new(root).unwrap();
    assert!(matches!(folder.kind(Path::new("folder")).unwrap(), Some(Kind::Link(_))));
    assert_eq!(folder.read(Path::new("file")).unwrap_err().why, "it is a symbolic link");
    assert_eq!(
        folder.list(Path::new("folder")).unwrap_err().why,
        "it is a symbolic link"
    );
    assert_eq!(
        folder.read(Path::new("folder/secret")).unwrap_err().why,
        "it is below a symbolic link"
    );
}
