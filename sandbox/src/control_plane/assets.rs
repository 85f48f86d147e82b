//! Where the programs of the control plane are.

use super::Error;
use std::env;
use std::path::{Path, PathBuf};

/// A folder with etcd, kube-apiserver and kube-controller-manager (and perhaps kubectl).
#[derive(Clone, Debug)]
pub struct Assets(PathBuf);

impl Assets {
    /// The environment variable this field agreed on (controller-runtime's envtest).
    pub const VARIABLE: &str = "KUBEBUILDER_ASSETS";

    /// The folder named by `KUBEBUILDER_ASSETS`, else `target/controlplane` of the workspace, where
    /// `e2e/controlplane/build` puts the programs.
    ///
    /// # Errors
    /// [`Error::NoAssets`], whose text says the one command to run.
    pub fn find() -> Result<PathBuf, Error> {
        let folder = env::var_os(Self::VARIABLE).map_or_else(Self::built, PathBuf::from);
        Self::at(&folder).map(|assets| assets.0)
    }

    /// The kubectl beside the programs of the control plane, if it has been built.
    #[must_use]
    pub fn kubectl() -> Option<PathBuf> {
        let folder = env::var_os(Self::VARIABLE).map_or_else(Self::built, PathBuf::from);
        Some(folder.join("kubectl")).filter(|path| path.is_file())
    }

    /// Checks that all three programs are in `folder`.
    pub(super) fn at(folder: &Path) -> Result<Self, Error> {
        for missing in ["etcd", "kube-apiserver", "kube-controller-manager"] {
            if !folder.join(missing).is_file() {
                return Err(Error::NoAssets {
                    folder: folder.to_path_buf(),
                    missing,
                });
            }
        }
        Ok(Self(folder.to_path_buf()))
    }

    /// Beside the running program's own target folder if that has one, so that a moved workspace still finds it.
    fn built() -> PathBuf {
        let beside = env::current_exe().ok().and_then(|exe| {
            exe.ancestors()
                .skip(1)
                .map(|it| it.join("controlplane"))
                .find(|it| it.join("kube-apiserver").is_file())
        });
        beside.unwrap_or_else(|| {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .with_file_name("target")
                .join("controlplane")
        })
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.0.join("etcd")
    }

    pub(super) fn api_server(&self) -> PathBuf {
        self.0.join("kube-apiserver")
    }

    pub(super) fn controller_manager(&self) -> PathBuf {
        self.0.join("kube-controller-manager")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_empty_folder_names_the_program_and_the_command() {
        let error = Assets::at(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("/nowhere: etcd is missing"), "{error}");
        assert!(error.contains("`e2e/controlplane/build`"), "{error}");
        assert!(error.contains("KUBEBUILDER_ASSETS"), "{error}");
    }
}
