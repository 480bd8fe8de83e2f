//! Words between processes over one store: something happened that calls wait for.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use values::TenantId;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeKind {
    /// A driver has something to fetch: a document, a decision or a preview.
    Work,
    /// A driver answered a preview.
    Answer,
    /// The tenant's feed has grown, or a webhook of its has something to tell.
    Change,
}

impl WakeKind {
    const ALL: [Self; 3] = [Self::Work, Self::Answer, Self::Change];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Answer => "answer",
            Self::Change => "change",
        }
    }
}

/// Something happened to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// What.
    pub kind: WakeKind,
    /// To whom; none when words may have been missed, so that everybody looks.
    pub tenant: Option<TenantId>,
}

impl Wake {
    pub(crate) fn of(kind: WakeKind, tenant: &TenantId) -> Self {
        Self {
            kind,
            tenant: Some(tenant.clone()),
        }
    }

    /// As it travels.
    pub(crate) fn payload(&self) -> String {
        let tenant = self.tenant.as_ref().map_or("", TenantId::as_str);
        format!("{} {tenant}", self.kind.as_str())
    }

    /// None for what a later version says.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        let (kind, tenant) = payload.split_once(' ')?;
        Some(Self {
            kind: WakeKind::ALL.into_iter().find(|k| k.as_str() == kind)?,
            tenant: (!tenant.is_empty()).then(|| TenantId::new(tenant)),
        })
    }

    /// Everybody looks.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        WakeKind::ALL.into_iter().map(|kind| Self { kind, tenant: None })
    }
}

/// Told of each wake. It must not block.
pub type WakeListener = Box<dyn Fn(&Wake) + Send + Sync>;

/// Those who listen at this process.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<RwLock<Vec<WakeListener>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: WakeListener) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
    }

    pub(crate) fn tell(&self, wakes: impl IntoIterator<Item = Wake>) {
        let listeners = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for wake in wakes {
            for listener in listeners.iter() {
                listener(&wake);
            }
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_travels_and_an_unknown_one_is_passed_over() {
        let wakes = Wake::all().chain([Wake::of(WakeKind::Answer, &TenantId::new("t_1"))]);
        for wake in wakes {
            assert_eq!(Wake::parse(&wake.payload()), Some(wake));
        }
        assert_eq!(Wake::parse("webhook t_1"), None);
        assert_eq!(Wake::parse(""), None);
    }
}
