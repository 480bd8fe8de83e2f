//! `erp-driver verify`.

use std::cell::Cell;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failed;
use super::connect::{Connection, datasets};
use crate::reading::{DatasetVerdict, verify_dataset};

/// How long a running driver gets to bring what is on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// Keys shown for one dataset unless asked for more.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these datasets.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Only these companies.
    #[arg(long = "company", value_name = "ID")]
    companies: Vec<String>,
    /// Keys to name for each dataset.
    #[arg(long, default_value_t = SHOWN, value_name = "N")]
    show: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Connection::open(path)?;
        let hub = connection.stream_hub();
        let is_running = host::lock::Exclusive::is_held(&connection.config.state_dir.join("driver.lock"));
        let mut verdicts = Vec::new();
        for company in connection.companies(&self.companies)? {
            let sites = datasets(&connection.config, &company, &self.datasets)?;
            let mut reader = connection.reader(&company)?;
            for site in &sites {
                let name = &site.dataset.name;
                // Only the remaining time rests on it.
                let expected = hub.count(&company.id, name).ok().flatten();
                let bar = Bar::new(name.as_str(), expected);
                let mut look = || {
                    verify_dataset(&mut reader, &hub, &company.id, site, |read| bar.show(read))
                        .map_err(|e| Failed::from_pass(&e))
                };
                let Some(mut verdict) = look()? else {
                    continue;
                };
                if verdict.different > 0 && is_running {
                    // A change may be on its way; what is still there afterwards is not.
                    std::thread::sleep(ON_ITS_WAY);
                    if let Some(second) = look()? {
                        verdict.keep_what_stayed(&second);
                    }
                }
                bar.end();
                verdict.differences.truncate(self.show);
                verdicts.push(verdict);
            }
        }
        let different: u64 = verdicts.iter().map(|v| v.different).sum();
        if self.json {
            host::cli::print_json(&verdicts);
        } else {
            host::cli::print(&text(&verdicts, different));
        }
        Ok(if different > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn text(verdicts: &[DatasetVerdict], different: u64) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        text.push_str(&format!(
            "{:<8} {:<24} {:>9} equal {:>9} different\n",
            verdict.company.as_str(),
            verdict.dataset,
            verdict.equal,
            verdict.different
        ));
        for (key, what) in &verdict.differences {
            text.push_str(&format!("  {key}  {what}\n"));
        }
        let more = verdict.different - verdict.differences.len() as u64;
        if more > 0 {
            text.push_str(&format!("  and {more} more (--show N names them)\n"));
        }
    }
    let end = if different == 0 {
        "ERP and hub agree.\n"
    } else {
        "ERP and hub differ: erp-driver reconcile sends what is missing or differs, and removes what left.\n"
    };
    text.push_str(end);
    text
}

/// How far reading has come; where there is no terminal, a line now and then.
struct Bar {
    bar: ProgressBar,
    dataset: String,
    expected: Option<u64>,
    started: Instant,
    logged: Cell<Instant>,
}

/// Between two lines where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(30);

impl Bar {
    fn new(dataset: &str, expected: Option<u64>) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<22} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(dataset.to_owned());
        Self {
            bar,
            dataset: dataset.to_owned(),
            expected,
            started: Instant::now(),
            logged: Cell::new(Instant::now()),
        }
    }

    fn show(&self, read: u64) {
        let rate = read as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let mut text = format!("{read} read from the ERP, {rate:.0} a second");
        if let Some(left) = self.expected.and_then(|expected| expected.checked_sub(read))
            && rate >= 1.0
        {
            text.push_str(&format!(", {:.0} s left", left as f64 / rate));
        }
        if self.bar.is_hidden() && self.logged.get().elapsed() >= LOG_EVERY {
            self.logged.set(Instant::now());
            tracing::info!(dataset = self.dataset, "{}: {text}", self.dataset);
        }
        self.bar.set_message(text);
        self.bar.tick();
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
