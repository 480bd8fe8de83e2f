use std::path::PathBuf;

use values::Secret;

use crate::{SecretsError, protected};

/// Where the configuration says that a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// An environment variable.
    Variable(String),
    /// A file that only its owner may read; a line end at its end is cut.
    File(PathBuf),
}

/// Looks a password up.
///
/// # Errors
/// The variable is not set; the file is unreadable, exposed or no text.
pub fn password(source: &PasswordSource) -> Result<Secret, SecretsError> {
    match source {
        PasswordSource::Variable(name) => std::env::var(name)
            .map(Secret::new)
            .map_err(|_| SecretsError::VariableMissing { name: name.clone() }),
        PasswordSource::File(path) => {
            let text = String::from_utf8(protected::read(path)?).map_err(|_| SecretsError::Damaged {
                path: path.clone(),
                reason: "it is no UTF-8 text".into(),
            })?;
            Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_a_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sage.password");
        protected::write(&path, b" pass word\r\n").unwrap();
        assert_eq!(
            password(&PasswordSource::File(path)).unwrap().reveal(),
            " pass word"
        );
        let missing = PasswordSource::Variable("ERP_DRIVER_NO_SUCH_VARIABLE".into());
        assert_eq!(password(&missing).unwrap_err().code(), "variable_missing");
    }
}
