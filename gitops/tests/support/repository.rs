//! Repositories that tests make.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use git2::{Oid, Signature, Time};

/// A repository with a work tree, in a temporary folder.
pub(crate) struct Made {
    folder: tempfile::TempDir,
    repository: git2::Repository,
    clock: AtomicI64,
}

impl Made {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        let repository = git2::Repository::init_opts(folder.path(), &options).unwrap();
        Self {
            folder,
            repository,
            clock: AtomicI64::new(1_700_000_000),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
    }

    /// Writes the files and commits the whole work tree on `main`.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        let mut index = self.repository.index().unwrap();
        index.clear().unwrap();
        index.add_all(["*"], git2::IndexAddOption::FORCE, None).unwrap();
        let tree = index.write_tree().unwrap();
        let parents: Vec<Oid> = self.repository.refname_to_id("refs/heads/main").into_iter().collect();
        self.store(Some("refs/heads/main"), tree, &parents, message)
    }

    /// A commit of exactly these files beside the branch.
    pub(crate) fn commit_on(&self, parent: &str, files: &[(&str, &str)], message: &str) -> String {
        let tree = self.tree(files);
        self.store(None, tree, &[Oid::from_str(parent).unwrap()], message)
    }

    pub(crate) fn commit_on_nothing(&self, files: &[(&str, &str)], message: &str) -> String {
        let tree = self.tree(files);
        self.store(None, tree, &[], message)
    }

    /// A commit on `main` that has another one as its second parent.
    pub(crate) fn merge(&self, other: &str, files: &[(&str, &str)], message: &str) -> String {
        let tree = self.tree(files);
        let main = self.repository.refname_to_id("refs/heads/main").unwrap();
        self.store(
            Some("refs/heads/main"),
            tree,
            &[main, Oid::from_str(other).unwrap()],
            message,
        )
    }

    fn tree(&self, files: &[(&str, &str)]) -> Oid {
        let mut index = git2::Index::new().unwrap();
        for (path, text) in files {
            let id = self.repository.blob(text.as_bytes()).unwrap();
            let zero = git2::IndexTime::new(0, 0);
            let entry = git2::IndexEntry {
                ctime: zero,
                mtime: zero,
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        index.write_tree_to(&self.repository).unwrap()
    }

    fn store(&self, reference: Option<&str>, tree: Oid, parents: &[Oid], message: &str) -> String {
        let seconds = self.clock.fetch_add(60, Ordering::SeqCst);
        let who = Signature::new("Ann Example", "ann@example.com", &Time::new(seconds, 0)).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| self.repository.find_commit(*id).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        let tree = self.repository.find_tree(tree).unwrap();
        self.repository
            .commit(reference, &who, &who, message, &tree, &parents)
            .unwrap()
            .to_string()
    }

    pub(crate) fn tag(&self, name: &str, commit: &str, annotated: bool) {
        let object = self
            .repository
            .find_object(Oid::from_str(commit).unwrap(), None)
            .unwrap();
        if annotated {
            let who = Signature::new("Ann Example", "ann@example.com", &Time::new(1_700_000_000, 0)).unwrap();
            self.repository.tag(name, &object, &who, "a version", false).unwrap();
        } else {
            self.repository.tag_lightweight(name, &object, false).unwrap();
        }
    }

    pub(crate) fn reference(&self, name: &str, commit: &str) {
        self.repository
            .reference(name, Oid::from_str(commit).unwrap(), true, "test")
            .unwrap();
    }

    pub(crate) fn tree_of(&self, commit: &str) -> String {
        self.repository
            .find_commit(Oid::from_str(commit).unwrap())
            .unwrap()
            .tree_id()
            .to_string()
    }

    /// Moves all objects of `main` into one pack.
    pub(crate) fn pack(&self) {
        let mut builder = self.repository.packbuilder().unwrap();
        let mut walk = self.repository.revwalk().unwrap();
        walk.push_ref("refs/heads/main").unwrap();
        builder.insert_walk(&mut walk).unwrap();
        builder.write(&self.path().join(".git/objects/pack"), 0o644).unwrap();
        for entry in fs::read_dir(self.path().join(".git/objects")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().len() == 2 {
                fs::remove_dir_all(path).unwrap();
            }
        }
    }

    pub(crate) fn remove_object(&self, id: &str) {
        let path = self.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        fs::remove_file(path).unwrap();
    }

    pub(crate) fn bare_clone(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in bytes_below(&self.path().join(".git")) {
            let Content::File(bytes) = content else { continue };
            let target = folder.path().join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, bytes).unwrap();
        }
        folder
    }

    /// A work tree as `git worktree add` makes it.
    pub(crate) fn linked_work_tree(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let own = self.path().join(".git/worktrees/linked");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(
            own.join("gitdir"),
            format!("{}\n", folder.path().join(".git").display()),
        )
        .unwrap();
        fs::write(folder.path().join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        folder
    }

    /// Hooks, filters and a file system monitor that leave a trace if anybody starts them.
    pub(crate) fn plant_programs(&self) {
        let program = format!("touch '{}'", self.path().join("ran").display());
        let config = format!(
            "[core]\n\tfsmonitor = \"{program}\"\n\tpager = \"{program}\"\n\tsshCommand = \"{program}\"\n\
            [filter \"x\"]\n\tclean = \"{program}\"\n\tsmudge = \"{program}\"\n\trequired = true\n[diff \"x\"]\n\ttextconv = \"{program}\"\n"
        );
        let git = self.path().join(".git");
        let old = fs::read_to_string(git.join("config")).unwrap();
        fs::write(git.join("config"), format!("{old}{config}")).unwrap();
        fs::write(git.join("info/attributes"), "* filter=x diff=x\n")
            .or_else(|_| {
                fs::create_dir_all(git.join("info"))?;
                fs::write(git.join("info/attributes"), "* filter=x diff=x\n")
            })
            .unwrap();
        fs::create_dir_all(git.join("hooks")).unwrap();
        for hook in [
            "post-checkout",
            "post-index-change",
            "reference-transaction",
            "pre-auto-gc",
        ] {
            let path = git.join("hooks").join(hook);
            fs::write(&path, format!("#!/bin/sh\n{program}\n")).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// What a path holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
}

/// Everything below a folder, with its bytes.
pub(crate) fn bytes_below(folder: &Path) -> BTreeMap<PathBuf, Content> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![folder.to_path_buf()];
    while let Some(path) = ahead.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_symlink() {
            Content::Link(fs::read_link(&path).unwrap())
        } else if metadata.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Content::Folder
        } else {
            Content::File(fs::read(&path).unwrap())
        };
        found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), content);
    }
    found
}

/// Takes the right to write from all files and folders.
pub(crate) fn make_read_only(folder: &Path) {
    set_modes(folder, 0o555, 0o444);
}

/// Gives it back, so that the folder can be removed.
pub(crate) fn make_writable(folder: &Path) {
    set_modes(folder, 0o755, 0o644);
}

fn set_modes(folder: &Path, folders: u32, files: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    for (path, content) in bytes_below(folder) {
        let mode = match content {
            Content::Folder => continue,
            Content::File(_) => files,
            Content::Link(_) => continue,
        };
        fs::set_permissions(folder.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    for (path, content) in bytes_below(folder).into_iter().rev() {
        if content == Content::Folder {
            fs::set_permissions(folder.join(path), fs::Permissions::from_mode(folders)).unwrap();
        }
    }
}
