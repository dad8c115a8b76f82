//! `relctl whoami`.

use protocol::Timestamp;

use crate::args::Global;
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let daemon = config::daemon(global)?;
    let who = daemon.whoami().await?;
    output.result("whoami", &who, || {
        let left = who.expires_at.unix_seconds() - Timestamp::now().unix_seconds();
        let left = std::time::Duration::from_secs(left.max(0).unsigned_abs());
        format!(
            "{} ({}) at {}, until {} ({} from now)",
            who.username,
            who.role.as_str(),
            daemon.url(),
            who.expires_at,
            crate::units::format_duration(left),
        )
    })?;
    Ok(Exit::Ok)
}
