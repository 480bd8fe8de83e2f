//! Why a command failed.

use std::io;

use sandbox::SandboxError;
use sandbox::objects::ServerError;
use sandbox::play::PlayError;

use crate::objects_command::PostError;

/// A command failed; the company is as it was before, unless the message says more.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The company or what was to be done with it.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The business objects' server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Posting an order.
    #[error(transparent)]
    Post(#[from] PostError),
    /// Playing a script.
    #[error(transparent)]
    Play(#[from] Box<PlayError>),
    /// Standard output or standard error.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sandbox(error) => error.code(),
            Self::Server(error) => error.code(),
            Self::Post(error) => error.code(),
            Self::Play(error) => error.code(),
            Self::Output(_) => "output_failed",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Sandbox(error) => error.remedy(),
            Self::Server(error) => error.remedy(),
            Self::Post(error) => error.remedy(),
            Self::Play(error) => error.remedy(),
            Self::Output(_) => "check where standard output goes",
        }
    }

    /// Did the reader of standard output leave before the end?
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Sandbox(_) | Self::Server(_) | Self::Post(_) | Self::Play(_) => false,
        }
    }
}
