//! Lessons on kerox, one folder and one binary each; `README.md` lists them.
#![forbid(unsafe_code)]
