fn main() {
    println!("cargo:rerun-if-changed=art.c");
    // Optimised in every profile: a debug build of a store is not what a program is debugged for. The headers beside art.c are
    // SQLite's; the SQLite that the program links may be newer.
    cc::Build::new()
        .file("art.c")
        .include("sqlite")
        .define("SQLITE_CORE", None)
        .flag("-std=gnu11")
        .opt_level(2)
        .warnings(false)
        .compile("sqlite_art");
}
