//! Argo CD's REST API and the Application object, read only.
