//! A step allocates nothing once the optimizer is built.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// The counter needs an allocator of its own, which only unsafe code can be.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

use kerox_optim::{Form, GradientView, class_names, from_config};

#[test]
fn steps_allocate_nothing() {
    let golden = common::golden("keras215.json");
    let gradients = common::gradients(&golden["gradients"][0]);
    let views: Vec<GradientView<'_>> = gradients.iter().map(|g| GradientView::from(&g[..])).collect();
    let mut tried = 0;
    for form in Form::ALL {
        for class in class_names(form) {
            // The wrapper needs something to wrap; Muon's matrix products have their own buffers.
            if class.starts_with("LossScale") || class == "Muon" {
                continue;
            }
            let config = kerox_config_json::Config::new().with("clipnorm", 1.0);
            let optimizer = from_config(class, &config, form).unwrap();
            let variables = common::variables(&golden["initial"]);
            optimizer.apply_slices(&variables, &views).unwrap();
            let before = COUNT.load(Ordering::Relaxed);
            for _ in 0..10 {
                optimizer.apply_slices(&variables, &views).unwrap();
            }
            assert_eq!(COUNT.load(Ordering::Relaxed) - before, 0, "{form} {class}");
            tried += 1;
        }
    }
    assert_eq!(tried, 11 + 8 + 13);
}
