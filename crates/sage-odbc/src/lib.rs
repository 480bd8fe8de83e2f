//! sage-odbc
