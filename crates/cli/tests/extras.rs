//! Pictures, reports, and what the command says of itself.

mod common;

use common::{Place, golden};

#[test]
fn models_are_drawn() {
    let place = Place::new();
    for name in ["h5/k215_model.h5", "keras/k315_model.keras", "savedmodel/mlp", "cli/mlp.json"] {
        assert_eq!(place.ok(&["plot", &golden(name), "-o", "m.svg", "--show-shapes", "--show-params"]), "");
        let svg = std::fs::read_to_string(place.path("m.svg")).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
        assert_eq!(svg.matches("marker-end").count(), 3, "{name}: {svg}");
        assert!(svg.contains(">54 params<") && svg.contains("(None, 6)"), "{name}: {svg}");
    }
    place.ok(&["plot", &golden("cli/mlp.json"), "-o", "m.dot"]);
    assert!(std::fs::read_to_string(place.path("m.dot")).unwrap().starts_with("digraph "));
    let error = place.fails(1, &["plot", &golden("ckpt/mlp_adam/cp.ckpt"), "-o", "m.svg"]);
    assert!(error.contains("expected an architecture"), "{error}");
}

#[test]
fn runs_are_reported() {
    let place = Place::new();
    std::fs::write(place.path("h.json"), r#"{"loss": [0.9, 0.5], "val_loss": [1.0, NaN]}"#).unwrap();
    place.ok(&["report", "h.json", "-o", "r.html"]);
    let page = std::fs::read_to_string(place.path("r.html")).unwrap();
    assert!(page.contains("<h1>h.json</h1>") && page.contains("<polyline"), "{page}");
    for bad in ["[1]", "{", r#"{"loss": 1}"#] {
        std::fs::write(place.path("h.json"), bad).unwrap();
        let error = place.fails(1, &["report", "h.json", "-o", "bad.html"]);
        assert!(error.starts_with("error: read history `h.json`: "), "{error}");
    }
    assert!(!place.path("bad.html").exists());
    place.fails(1, &["report", "nothing.json", "-o", "bad.html"]);
}

#[test]
fn the_command_describes_itself() {
    let place = Place::new();
    let text = place.ok(&["doctor", "--threads", "1"]);
    assert!(text.contains("\nthreads: 1\n") && text.contains("keras-v3"), "{text}");
    let found = place.json(&["doctor", "--json"]);
    assert_eq!(found.get("formats").unwrap().as_list().unwrap().len(), 7);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.ok(&["completions", shell]).contains("expand-nested"), "{shell}");
    }
    assert!(place.ok(&["man"]).contains(".TH kerox 1"));
    place.ok(&["man", "--output-dir", "man"]);
    let page = std::fs::read_to_string(place.path("man/kerox-fit.1")).unwrap();
    assert!(page.contains("early\\-stopping"), "{page}");
}
