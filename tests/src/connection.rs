//! One connection to a hub, as bare as a load generator's: what is measured is the hub.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody takes it.
    #[must_use]
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the hub takes connections");
        stream.set_nodelay(true).expect("a socket without delay");
        let writer = stream.try_clone().expect("a second handle");
        Self {
            reader: BufReader::new(stream),
            writer,
        }
    }

    /// Sends a whole request and reads the answer, which must be good; gives back the bytes of
    /// its body.
    ///
    /// # Panics
    /// When the answer is another one, or none.
    pub fn ask(&mut self, request: &str) -> Vec<u8> {
        self.writer.write_all(request.as_bytes()).expect("a request");
        let mut line = String::new();
        let mut length = 0;
        self.reader.read_line(&mut line).expect("a status line");
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("a header");
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).expect("a body");
        body
    }
}
