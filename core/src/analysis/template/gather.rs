//! Templates by name, with those that they name in turn.

use crate::api::analysis::AnalysisTemplateRef;
use crate::api::analysis_template::AnalysisTemplateSpec;
use crate::observed::Templates;

/// A template and its name.
pub(super) type Named<'t> = (&'t str, &'t AnalysisTemplateSpec);

/// What some references lead to: each template once, in the order in which it was first met, a template before those
/// that it names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered<'t> {
    pub(super) namespaced: Vec<Named<'t>>,
    pub(super) cluster: Vec<Named<'t>>,
}

impl<'t> Gathered<'t> {
    /// These templates as they are listed, without those that they name.
    pub fn listed(
        namespaced: impl IntoIterator<Item = (&'t str, &'t AnalysisTemplateSpec)>,
        cluster: impl IntoIterator<Item = (&'t str, &'t AnalysisTemplateSpec)>,
    ) -> Self {
        Self {
            namespaced: namespaced.into_iter().collect(),
            cluster: cluster.into_iter().collect(),
        }
    }

    /// Names of the templates of the namespace, and of those of the cluster.
    #[must_use]
    pub fn names(&self) -> (Vec<&'t str>, Vec<&'t str>) {
        let names = |of: &[Named<'t>]| of.iter().map(|(name, _)| *name).collect();
        (names(&self.namespaced), names(&self.cluster))
    }

    /// All templates with their names: those of the namespace, then those of the cluster.
    pub fn all(&self) -> impl Iterator<Item = (&'t str, &'t AnalysisTemplateSpec)> {
        self.namespaced.iter().chain(&self.cluster).copied()
    }
}

/// Why references lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// There is no such template.
    #[error("{} '{name}' not found", kind(*cluster))]
    NotFound {
        /// Its name.
        name: String,
        /// It is one of the cluster.
        cluster: bool,
        /// Another template names it, and not the rollout.
        nested: bool,
    },
    /// The stored template does not decode.
    #[error("{} '{name}' cannot be read: {why}", kind(*cluster))]
    Undecodable {
        /// Its name.
        name: String,
        /// It is one of the cluster.
        cluster: bool,
        /// Another template names it, and not the rollout.
        nested: bool,
        /// Why, field path first.
        why: String,
    },
    /// A template names itself, directly or by way of others. Argo Rollouts never ends here.
    #[error("{} '{name}' names itself: {path}", kind(*cluster))]
    Cycle {
        /// Its name.
        name: String,
        /// It is one of the cluster.
        cluster: bool,
        /// The way from it back to it.
        path: String,
    },
}

impl GatherError {
    /// The template that is blamed, and whether another template names it, and not the rollout.
    #[must_use]
    pub fn blames(&self) -> (&str, bool) {
        match self {
            Self::NotFound { name, nested, .. } | Self::Undecodable { name, nested, .. } => (name, *nested),
            Self::Cycle { name, .. } => (name, true),
        }
    }
}

fn kind(cluster: bool) -> &'static str {
    if cluster {
        "ClusterAnalysisTemplate"
    } else {
        "AnalysisTemplate"
    }
}

/// Follows references to templates, and theirs.
///
/// # Errors
/// The first template that is missing, that does not decode, or that names itself.
pub fn gather<'t>(references: &[AnalysisTemplateRef], templates: &'t Templates) -> Result<Gathered<'t>, GatherError> {
    let mut gathered = Gathered::default();
    follow(references, templates, &mut Vec::new(), &mut gathered)?;
    Ok(gathered)
}

fn follow<'t>(
    references: &[AnalysisTemplateRef],
    templates: &'t Templates,
    way: &mut Vec<(&'t str, bool)>,
    gathered: &mut Gathered<'t>,
) -> Result<(), GatherError> {
    for reference in references {
        let (cluster, nested) = (reference.cluster_scope == Some(true), !way.is_empty());
        let of_scope = if cluster {
            &templates.cluster
        } else {
            &templates.namespaced
        };
        let name = reference.template_name.clone();
        let Some((key, template)) = of_scope.get_key_value(&name) else {
            return Err(GatherError::NotFound { name, cluster, nested });
        };
        if let Some(why) = template.undecodable.clone() {
            return Err(GatherError::Undecodable {
                name,
                cluster,
                nested,
                why,
            });
        }
        if let Some(begin) = way.iter().position(|at| *at == (key.as_str(), cluster)) {
            let names = way.iter().skip(begin).map(|(name, _)| *name).chain([key.as_str()]);
            let path = names.collect::<Vec<_>>().join(" → ");
            return Err(GatherError::Cycle { name, cluster, path });
        }
        let found = if cluster {
            &mut gathered.cluster
        } else {
            &mut gathered.namespaced
        };
        if found.iter().any(|(known, _)| *known == key) {
            // What it names was followed when it was first met.
            continue;
        }
        found.push((key, &template.spec));
        way.push((key, cluster));
        follow(&template.spec.templates, templates, way, gathered)?;
        way.pop();
    }
    Ok(())
}
