use std::process::Command;

/// Asks pkg-config where the library was installed.
fn main() {
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let output = Command::new("pkg-config")
        .args(["--variable=libdir", "fastiova"])
        .output()
        .expect("pkg-config is needed to find the library");
    let folder = String::from_utf8(output.stdout).expect("a path");
    let folder = folder.trim();
    assert!(!folder.is_empty(), "fastiova is not installed: run native/build.sh, and set PKG_CONFIG_PATH to its lib/pkgconfig");
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=dylib=fastiova");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
}
