//! The API of enrolled drivers; messages and codes are those of [`wire::agent`].

pub(crate) mod identity;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod writing;

use values::CompanyId;

use crate::error::ApiError;

/// A company's name stands in URLs, files and reports.
const MAX_COMPANY_BYTES: usize = 64;

/// A company's name as it may be claimed.
fn check_company(company: &CompanyId) -> Result<(), ApiError> {
    let name = company.as_str();
    if !name.is_empty() && name.len() <= MAX_COMPANY_BYTES && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::new(
        "parameter_invalid",
        "the company's id is empty, too long or has control characters",
    )
    .with_remedy(format!(
        "give the company an id of 1 to {MAX_COMPANY_BYTES} bytes"
    )))
}
