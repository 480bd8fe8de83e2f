//! `sage-sandbox`: makes, fills, shows and changes simulated Sage companies, and serves
//! their business objects. Everything but the arguments' parsing at the very start lives
//! here, so that tests can drive it.

pub mod cli;
mod company_commands;
mod error;
pub mod objects_command;
mod output;
pub mod play_command;
mod row_commands;

pub use error::CommandError;

use cli::{Cli, Command};

/// Runs what was asked for; data goes to standard output, progress to standard error.
///
/// # Errors
/// [`CommandError`], whose line names the thing and the remedy.
pub fn run(cli: &Cli) -> Result<(), CommandError> {
    match &cli.command {
        Command::Create(args) => company_commands::create(args),
        Command::Load(args) => company_commands::load(args),
        Command::Setting(args) => company_commands::setting(args),
        Command::Set(args) => row_commands::set(args),
        Command::Delete(args) => row_commands::delete(args),
        Command::Show(args) => row_commands::show(args),
        Command::Objects(args) => Ok(objects_command::serve_objects(args)?),
        Command::Play(args) => play_command::play(args),
        Command::Post(args) => Ok(objects_command::post_order(args)?),
    }
}
