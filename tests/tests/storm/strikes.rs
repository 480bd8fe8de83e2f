//! What happens to the programs.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use system_tests::{Running, Site};

use super::Chance;
use super::shop::Progress;

/// The longest between two strikes, in a short run and in a long one.
const LULLS_MS: [u64; 2] = [1_500, 4_000];
/// A write of Sage's that is slow takes so long at most.
const SLOW_MS: u64 = 900;
/// Orders are torn in Sage once in so many documents.
const TORN_EVERY: usize = 400;
/// From so many documents on, a run is long.
const LONG: usize = 1_000;

/// Kills and starts again.
pub(super) struct Striker {
    chance: Chance,
    driver: Option<Running>,
    drivers: u32,
    writers: u32,
    readers: u32,
    hubs: u32,
    slow: u32,
    torn: usize,
    is_long: bool,
}

impl Striker {
    pub(super) fn new(site: &Site, seed: u64, count: usize) -> Self {
        Self {
            chance: Chance(seed.rotate_left(32)),
            driver: Some(start(site)),
            drivers: 0,
            writers: 0,
            readers: 0,
            hubs: 0,
            slow: 0,
            torn: 0,
            is_long: count >= LONG,
        }
    }

    pub(super) const fn kills(&self) -> u32 {
        self.drivers + self.writers + self.readers + self.hubs
    }

    /// Orders of which Sage itself has kept the header alone.
    pub(super) const fn torn(&self) -> usize {
        self.torn
    }

    /// Waits a moment, and strikes.
    pub(super) fn strike(&mut self, site: &mut Site, progress: &Progress) {
        let lull = Duration::from_millis(self.chance.below(LULLS_MS[usize::from(self.is_long)]));
        self.wait(site, lull);
        match self.chance.below(100) {
            0..30 => self.kill_driver(site),
            30..55 => self.kill_bridge("write"),
            55..62 => self.kill_bridge("read"),
            62..80 => self.kill_hub(site),
            80..85 => {
                self.kill_hub(site);
                self.kill_driver(site);
            }
            _ => {
                // Somebody dies while Sage is in the middle of a write.
                self.slow += 1;
                let slow = self.chance.below(SLOW_MS);
                site.setting("fault.header_write.delay_ms", &format!("once:{slow}"));
                let moment = Duration::from_millis(self.chance.below(SLOW_MS));
                self.wait(site, moment);
                if self.chance.chance(50) {
                    self.kill_bridge("write");
                } else {
                    self.kill_driver(site);
                }
            }
        }
        let due = progress.settled.load(Ordering::Relaxed) / TORN_EVERY;
        if self.is_long && self.torn < due {
            self.torn += 1;
            site.setting("fault.SO_SalesOrder_bus.partial_write", "once");
        }
    }

    /// Nothing happens any more.
    pub(super) fn stand_by(&mut self, site: &mut Site) {
        self.wait(site, Duration::from_millis(200));
    }

    /// Ends the driver, with everything that it has begun.
    pub(super) fn stop(&mut self, site: &Site) {
        if let Some(mut driver) = self.driver.take() {
            driver.stop();
            keep_log(site, &driver);
        }
    }

    /// Whoever ends in between has not been killed by us.
    fn wait(&mut self, site: &mut Site, time: Duration) {
        let began = Instant::now();
        loop {
            if let Some(driver) = &mut self.driver {
                assert!(
                    !driver.has_ended(),
                    "the driver ended by itself: {}",
                    driver.log()
                );
            }
            assert!(!site.hub.has_ended(), "the hub ended by itself");
            let left = time.saturating_sub(began.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    fn kill_driver(&mut self, site: &Site) {
        if let Some(mut driver) = self.driver.take() {
            driver.kill();
            keep_log(site, &driver);
        }
        self.drivers += 1;
        std::thread::sleep(Duration::from_millis(self.chance.below(500)));
        self.driver = Some(start(site));
    }

    fn kill_hub(&mut self, site: &mut Site) {
        site.hub.kill();
        self.hubs += 1;
        std::thread::sleep(Duration::from_millis(self.chance.below(800)));
        site.hub.start_again(&[]);
    }

    fn kill_bridge(&mut self, role: &str) {
        let Some(pid) = self.driver.as_ref().and_then(|driver| driver.bridge(role)) else {
            return;
        };
        // It may end by itself in this moment.
        let kill = format!("kill -s KILL {pid}");
        if Command::new("sh").args(["-c", &kill]).status().unwrap().success() {
            *(if role == "write" {
                &mut self.writers
            } else {
                &mut self.readers
            }) += 1;
        }
    }
}

impl fmt::Display for Striker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "killed: {} drivers, {} write bridges, {} read bridges, {} hubs; {} slow writes, {} torn",
            self.drivers, self.writers, self.readers, self.hubs, self.slow, self.torn
        )
    }
}

fn start(site: &Site) -> Running {
    site.start_driver("driver", &[("ERP_DRIVER_LOG", "info")])
}

/// Logs of all drivers in one file, for whoever has to find out.
fn keep_log(site: &Site, driver: &Running) {
    let path = site.path().join("drivers.log");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "--- {}\n{}", driver.pid(), driver.log()).unwrap();
}
