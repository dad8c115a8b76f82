//! The running daemon: it owns all parts, starts them in order, and stops them in the reverse one.
//!
//! Order of a stop: no new connection and no new work; sessions say goodbye; running downloads and uploads get their
//! grace; what is left is cut; counts, events and index are flushed. Acknowledged changes need no flush, they are durable.

mod bootstrap;
mod data_dir;
mod start_error;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Authenticator;
use crate::blobs::Blobs;
use crate::config::{Config, DeltaBuild};
use crate::error::ApiError;
use crate::hub::Hub;
use crate::limit::Limits;
use crate::statistics::Counters;
use crate::store::{Release, Store};
use crate::uploads::Uploads;
use crate::{http, jobs};

pub use start_error::StartError;

/// All parts of a running daemon. Handlers and sessions hold it as `Arc<App>`.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Releases, deltas, users, tokens.
    pub store: Store,
    /// Their bytes.
    pub blobs: Blobs,
    /// Uploads that are not whole yet, or not used yet.
    pub uploads: Uploads,
    /// Live sessions and watchers.
    pub hub: Hub,
    /// Who is calling.
    pub auth: Authenticator,
    /// How often one client may come.
    pub limits: Limits,
    /// Counts of downloads and installations.
    pub counters: Counters,
    /// Cancelled when the daemon begins to stop: no new work.
    pub stop: CancellationToken,
    /// Cancelled when the grace is over: what still runs is cut.
    pub grace_over: CancellationToken,
    /// All tasks; a task outside of it is a bug.
    pub tasks: TaskTracker,
    /// Wakes the job that builds deltas: releases are not what they were.
    pub releases_changed: Notify,
    /// Held while a decision about releases is made and written, so that two cannot be made on the same state.
    deciding: Mutex<()>,
    /// Work that uses a processor for long: checks of JARs and deltas, and building deltas.
    checks: Arc<Semaphore>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// What is left running is cut after the grace; this is how long cutting may take.
const CUT: Duration = Duration::from_secs(2);

/// Places for long work. The check of a JAR takes one; that of a delta takes all, since it holds releases in memory. So does
/// a build, but it lasts longer, and takes one so that JARs get past it. Places are given in the order of asking: a build
/// waits for all checks that asked before it.
const PLACES: u32 = 2;

impl App {
    /// Opens every part. Nothing runs yet.
    ///
    /// # Errors
    /// The data folder cannot be used, or a key is not safe.
    pub fn open(config: Config) -> Result<Self, StartError> {
        let now = Timestamp::now();
        StartError::check_clock(now)?;
        data_dir::check(&config.data_dir)?;
        let opened = crate::store::Store::open(&config.data_dir)?;
        let blobs = Blobs::open(&config.data_dir)?;
        let uploads = Uploads::open(&config.data_dir, config.limits.upload_expiry)?;
        let auth = bootstrap::open_keys(&config, &opened.store)?;
        bootstrap::make_first_user(&config, &opened.store, &auth, now)?;
        let counters = Counters::open(&config.data_dir, now);
        let app = Self {
            hub: Hub::open(
                opened.store.clone(),
                config.channels.clone(),
                &config.data_dir,
                now,
            ),
            limits: Limits::new(
                config.limits.connections_per_minute,
                config.limits.messages_per_minute,
                config.limits.concurrent_downloads,
            )
            .with_bandwidth(
                config.limits.download_bytes_per_second_per_client,
                config.limits.download_bytes_per_second,
            ),
            store: opened.store,
            blobs,
            uploads,
            auth,
            counters,
            stop: CancellationToken::new(),
            grace_over: CancellationToken::new(),
            tasks: TaskTracker::new(),
            releases_changed: Notify::new(),
            deciding: Mutex::new(()),
            checks: Arc::new(Semaphore::new(PLACES as usize)),
            config,
        };
        // What a killed publish kept without a record; nothing else runs yet.
        app.forget_unreferenced();
        Ok(app)
    }

    /// Runs synchronous work on the blocking pool, in a tracked task: it ends even when the caller hangs up meanwhile.
    ///
    /// # Errors
    /// Those of the work; a panic in it is `SERVER_ERROR`.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let app = Arc::clone(self);
        let span = tracing::Span::current();
        let task = self
            .tasks
            .spawn_blocking(move || span.in_scope(|| work(&app)));
        match task.await {
            Ok(result) => result,
            Err(error) => Err(ApiError::server_error(&error)),
        }
    }

    /// Waits for a place to check a JAR.
    ///
    /// # Errors
    /// Never while the daemon runs.
    pub async fn jar_check(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.places(1).await
    }

    /// Waits for the place to check a delta.
    ///
    /// # Errors
    /// Never while the daemon runs.
    pub async fn delta_check(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.places(PLACES).await
    }

    /// Waits for the place to build a delta.
    ///
    /// # Errors
    /// Never while the daemon runs.
    pub async fn delta_build(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.places(1).await
    }

    /// A release was created, toggled or recalled, or its rollout changed, and that is durable: word for everybody.
    pub fn announce(&self, release: &Release) {
        self.hub.release_changed(release);
        self.releases_changed.notify_one();
    }

    async fn places(&self, count: u32) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.checks).acquire_many_owned(count).await;
        permit.map_err(|error| ApiError::server_error(&error))
    }

    /// Begins a decision about releases; it ends when the guard is dropped. Only for the blocking pool.
    pub fn decide(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes blobs that were kept for a record which could not be written. Only while deciding: nobody else is
    /// between the two steps then.
    pub fn forget_unreferenced(&self) {
        // After a failed sync nobody knows whether the record is on the disk; the file must outlive that doubt.
        if self.store.read_only_reason().is_some() {
            return;
        }
        let referenced = self.store.referenced_blobs();
        if let Err(error) = self.blobs.remove_unreferenced(&referenced, Duration::ZERO) {
            tracing::warn!(%error, "a file that no release refers to stays until the next sweep");
        }
    }
}

/// A daemon that accepts connections.
#[derive(Debug)]
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
}

/// Starts a daemon.
///
/// # Errors
/// The data folder, a key or the address cannot be used.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let opening = tokio::task::spawn_blocking(|| App::open(config));
    let app = Arc::new(opening.await.map_err(StartError::Panicked)??);
    let listen = app.config.listen;
    let bind_error = |source| StartError::Bind { listen, source };
    let listener = TcpListener::bind(listen).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let sockjs = http::live::new_endpoint(&app);
    let router = http::router(&app, &sockjs);
    app.tasks
        .spawn(http::live::shut_down(Arc::clone(&app), sockjs));
    app.tasks
        .spawn(http::serve::accept(Arc::clone(&app), listener, router));
    app.tasks.spawn(jobs::save_statistics(Arc::clone(&app)));
    app.tasks.spawn(jobs::tend_events(Arc::clone(&app)));
    app.tasks.spawn(jobs::sweep(Arc::clone(&app)));
    match app.config.deltas.build {
        DeltaBuild::OnPublish => drop(app.tasks.spawn(jobs::build_deltas(Arc::clone(&app)))),
        DeltaBuild::Off => {}
    }
    tracing::info!(%address, data_dir = %app.config.data_dir.display(), "relctld accepts connections");
    Ok(Running { app, address })
}

impl Running {
    /// Where it accepts connections.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its parts.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops it in order, and returns when everything is flushed.
    pub async fn stop(self) {
        let app = self.app;
        let grace = app.config.shutdown_grace;
        tracing::info!(grace_ms = grace.as_millis(), "relctld is stopping");
        app.stop.cancel();
        app.hub.stop();
        app.tasks.close();
        if tokio::time::timeout(grace, app.tasks.wait()).await.is_err() {
            tracing::warn!(
                tasks = app.tasks.len(),
                "the grace is over; what still runs is cut"
            );
            app.grace_over.cancel();
            if tokio::time::timeout(CUT, app.tasks.wait()).await.is_err() {
                tracing::warn!(tasks = app.tasks.len(), "some work did not end");
            }
        }
        let flushed = tokio::task::spawn_blocking(move || {
            if let Err(error) = app.counters.save() {
                tracing::warn!(%error, "the statistics of the last seconds are lost");
            }
            if let Err(error) = app.hub.stop_events() {
                tracing::warn!(%error, "the events are not saved; should the machine end now, watchers are told that some are missing");
            }
            if let Err(error) = app.store.flush() {
                tracing::warn!(%error, "the index was not flushed; the next start rebuilds it");
            }
        });
        if flushed.await.is_ok() {
            tracing::info!("relctld has stopped");
        }
    }
}
