//! Role `write`.

use std::path::Path;

use sage::{BusinessObjects, Fault};
use sandbox::objects::Client;
use wire::bridge::{Request, Response};

use crate::{Answer, Side};

/// Holds the business objects once they are there.
#[derive(Default)]
pub(crate) struct WriteSide {
    objects: Option<Box<dyn BusinessObjects>>,
}

impl Side for WriteSide {
    fn answer(&mut self, request: Request) -> Answer {
        let response = self.try_answer(request).unwrap_or_else(|fault| {
            tracing::debug!(code = fault.code, %fault, "call faulted");
            Response::Faulted { fault }
        });
        (response, None)
    }
}

impl WriteSide {
    fn try_answer(&mut self, request: Request) -> Result<Response, Fault> {
        match request {
            Request::OpenSandboxWriter { path, program } => {
                if self.objects.is_some() {
                    return Err(misused("the bridge is open already"));
                }
                let client = Client::start(Path::new(&program), Path::new(&path))?;
                let server = client.server();
                self.objects = Some(Box::new(client));
                Ok(Response::Opened { server })
            }
            Request::Call { call } => match &mut self.objects {
                Some(objects) => {
                    host::fault::point("bridge.before_call");
                    let answer = objects.call(&call)?;
                    host::fault::point("bridge.after_call");
                    Ok(Response::Return { answer })
                }
                None => Err(misused("the bridge is not open")),
            },
            Request::OpenOdbc { .. }
            | Request::OpenSandboxReader { .. }
            | Request::Probe
            | Request::Tables
            | Request::Columns { .. }
            | Request::Read { .. } => Err(misused("a bridge for writing does not read")),
        }
    }
}

fn misused(words: &str) -> Fault {
    Fault {
        code: 0,
        message: words.to_owned(),
    }
}
