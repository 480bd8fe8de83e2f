//! sage-sandbox
