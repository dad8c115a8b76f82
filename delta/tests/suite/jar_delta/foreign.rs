#[test]
fn what_zip_at_its_best_packed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("old.jar", 77), ("new.jar", 78)] {
        for file in 0..12 {
            let content = some_text(seed * (file + 1)).repeat(1 + file as usize);
            fs::write(folder.path().join(format!("file{file}")), content).unwrap();
        }
        let arguments: Vec<String> = ["-9", "-q", name]
            .map(str::to_owned)
            .into_iter()
            .chain((0..12).map(|file| format!("file{file}")))
            .collect();
        run(folder.path(), "zip", &arguments);
    }
    let [old, new] = read(folder.path(), ["old.jar", "new.jar"]);
    all_ways(&old, &new);
}

fn read<const N: usize>(folder: &Path, names: [&str; N]) -> [Vec<u8>; N] {
    names.map(|name| fs::read(folder.join(name)).unwrap())
}

