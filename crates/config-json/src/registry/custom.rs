//! Objects that users add: by scope, or for the whole process.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

type Entries = HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>;

/// Named constructors of any kind; the `custom_objects` argument of Keras.
///
/// # Example
/// ```
/// use kerox_config_json::CustomObjects;
/// type MakeLayer = fn() -> &'static str;
/// let objects = CustomObjects::new().with::<MakeLayer>("MyLayer", || "my layer");
/// assert_eq!(objects.get::<MakeLayer>("MyLayer").unwrap()(), "my layer");
/// assert!(objects.get::<u32>("MyLayer").is_none()); // another kind of object
/// ```
#[derive(Clone, Default)]
pub struct CustomObjects {
    entries: Arc<Entries>,
}

impl CustomObjects {
    /// No objects.
    pub fn new() -> CustomObjects {
        CustomObjects::default()
    }

    /// Adds an entry of kind `T`; a second one of the same kind and name replaces the first.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, name: impl Into<String>, entry: T) -> CustomObjects {
        Arc::make_mut(&mut self.entries).insert((TypeId::of::<T>(), name.into()), Arc::new(entry));
        self
    }

    /// Adds everything of another set; its entries win.
    #[must_use]
    pub fn merged(mut self, other: &CustomObjects) -> CustomObjects {
        let entries = other.entries.iter().map(|(key, entry)| (key.clone(), Arc::clone(entry)));
        Arc::make_mut(&mut self.entries).extend(entries);
        self
    }

    /// The entry of kind `T` with this name.
    pub fn get<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Option<T> {
        find(&self.entries, name)
    }

    /// Makes every object of the set known to the whole process, as `package>name`, and gives these names, sorted.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::{CustomObjects, registry::{get_registered_object, registered_name}};
    /// let objects = CustomObjects::new().with("Scale", 5i8).with("Shift", 6i8);
    /// assert_eq!(objects.register("my_package"), ["my_package>Scale", "my_package>Shift"]);
    /// assert_eq!(get_registered_object::<i8>("my_package>Shift"), Some(6));
    /// assert_eq!(registered_name::<i8>("Scale").as_deref(), Some("my_package>Scale"));
    /// ```
    ///
    /// # Source
    /// `keras.saving.register_keras_serializable`.
    pub fn register(&self, package: &str) -> Vec<String> {
        let mut registered = REGISTERED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut names: Vec<String> = Vec::with_capacity(self.entries.len());
        for ((kind, name), entry) in self.entries.iter() {
            names.push(registered.insert(*kind, package, name, Arc::clone(entry)));
        }
        names.sort_unstable();
        names
    }

    /// Number of entries of all kinds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl std::fmt::Debug for CustomObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<&str> = self.entries.keys().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        f.debug_tuple("CustomObjects").field(&names).finish()
    }
}

fn find<T: Clone + 'static>(entries: &Entries, name: &str) -> Option<T> {
    entries.get(&(TypeId::of::<T>(), name.to_owned()))?.downcast_ref::<T>().cloned()
}

fn names_of<T: 'static>(entries: &Entries) -> impl Iterator<Item = String> {
    entries.keys().filter(|(kind, _)| *kind == TypeId::of::<T>()).map(|(_, name)| name.clone())
}

thread_local! {
    static SCOPES: RefCell<Vec<(u64, CustomObjects)>> = const { RefCell::new(Vec::new()) };
}

static REGISTERED: LazyLock<RwLock<Registered>> = LazyLock::new(RwLock::default);

/// What is known to the whole process.
#[derive(Default)]
struct Registered {
    /// By registered name.
    entries: Entries,
    /// From the class to its registered name.
    names: HashMap<(TypeId, String), String>,
}

impl Registered {
    fn insert(&mut self, kind: TypeId, package: &str, name: &str, entry: Arc<dyn Any + Send + Sync>) -> String {
        let registered_name = format!("{package}>{name}");
        self.entries.insert((kind, registered_name.clone()), entry);
        self.names.insert((kind, name.to_owned()), registered_name.clone());
        registered_name
    }
}

/// Keeps a custom-object scope open on this thread until dropped.
#[derive(Debug)]
pub struct ScopeGuard {
    id: u64,
    /// A scope belongs to its thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        // `try_with`: a guard kept in another thread-local may outlive the stack of scopes.
        let _ = SCOPES.try_with(|scopes| scopes.borrow_mut().retain(|(id, _)| *id != self.id));
    }
}

/// Opens a scope on this thread; inner scopes win over outer ones.
pub fn enter_custom_object_scope(objects: CustomObjects) -> ScopeGuard {
    let id = SCOPES.with(|scopes| {
        let mut scopes = scopes.borrow_mut();
        let id = scopes.last().map_or(0, |(id, _)| id + 1);
        scopes.push((id, objects));
        id
    });
    ScopeGuard { id, _not_send: std::marker::PhantomData }
}

/// Runs `body` with these objects known by name on this thread; the scope ends with `body`, also when it panics.
///
/// # Example
/// ```
/// use kerox_config_json::{CustomObjects, Lookup, Registry, custom_object_scope};
/// let layers: Registry<u32> = Registry::new("layer").with("Dense", 1);
/// let mine = CustomObjects::new().with("MyLayer", 2u32);
/// assert_eq!(custom_object_scope(mine, || layers.find(&Lookup::class("MyLayer")))?, 2);
/// assert!(layers.find(&Lookup::class("MyLayer")).is_err());
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub fn custom_object_scope<R>(objects: CustomObjects, body: impl FnOnce() -> R) -> R {
    let _guard = enter_custom_object_scope(objects);
    body()
}

/// All scopes open on this thread as one set, to be opened again on another thread.
pub fn current_scope() -> CustomObjects {
    SCOPES.with(|scopes| scopes.borrow().iter().fold(CustomObjects::new(), |all, (_, one)| all.merged(one)))
}

/// Makes an object known to the whole process as `package>name` and gives that registered name back.
///
/// Keras's default package is `Custom`. Registering a name again replaces the entry.
///
/// # Example
/// ```
/// use kerox_config_json::{register_keras_serializable, registry::get_registered_object};
/// assert_eq!(register_keras_serializable("my_package", "Scale", 5u8), "my_package>Scale");
/// assert_eq!(get_registered_object::<u8>("my_package>Scale"), Some(5));
/// ```
pub fn register_keras_serializable<T: Clone + Send + Sync + 'static>(package: &str, name: &str, entry: T) -> String {
    let mut registered = REGISTERED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    registered.insert(TypeId::of::<T>(), package, name, Arc::new(entry))
}

/// The name under which a class of kind `T` was registered: `package>class`.
///
/// # Source
/// `keras.saving.get_registered_name`.
pub fn registered_name<T: 'static>(class_name: &str) -> Option<String> {
    let registered = REGISTERED.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    registered.names.get(&(TypeId::of::<T>(), class_name.to_owned())).cloned()
}

/// Forgets an object registered for the process.
pub fn unregister<T: Clone + Send + Sync + 'static>(registered_name: &str) -> bool {
    let mut registered = REGISTERED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    registered.names.retain(|(kind, _), name| *kind != TypeId::of::<T>() || name != registered_name);
    registered.entries.remove(&(TypeId::of::<T>(), registered_name.to_owned())).is_some()
}

/// The custom object of kind `T` under this name: scopes of this thread from the innermost, then the process.
pub fn get_registered_object<T: Clone + Send + Sync + 'static>(name: &str) -> Option<T> {
    let scoped = SCOPES.with(|scopes| scopes.borrow().iter().rev().find_map(|(_, objects)| objects.get::<T>(name)));
    scoped.or_else(|| find(&REGISTERED.read().unwrap_or_else(std::sync::PoisonError::into_inner).entries, name))
}

/// The custom object of kind `T` under a name that may lack its package, or have one: `my_package>squash` and `squash`
/// both find what was registered as `my_package>squash`.
pub fn find_custom_object<T: Clone + Send + Sync + 'static>(name: &str) -> Option<T> {
    let bare = name.rsplit_once('>').map(|(_, bare)| bare);
    let found = [name].into_iter().chain(bare).find_map(get_registered_object::<T>);
    found.or_else(|| get_registered_object::<T>(&registered_name::<T>(name)?))
}

/// Names of kind `T` that are registered or in scope, for messages.
pub(super) fn known_names<T: Clone + Send + Sync + 'static>() -> Vec<String> {
    let mut names: Vec<String> = SCOPES.with(|scopes| {
        scopes.borrow().iter().flat_map(|(_, o)| names_of::<T>(&o.entries).collect::<Vec<_>>()).collect()
    });
    names.extend(names_of::<T>(&REGISTERED.read().unwrap_or_else(std::sync::PoisonError::into_inner).entries));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Make(u32);

    fn scope(n: u32) -> CustomObjects {
        CustomObjects::new().with("Mine", Make(n)).with(format!("Only{n}"), Make(n))
    }

    #[test]
    fn scopes_nest_and_end() {
        custom_object_scope(scope(1), || {
            assert_eq!(get_registered_object("Mine"), Some(Make(1)));
            custom_object_scope(scope(2), || {
                assert_eq!(get_registered_object("Mine"), Some(Make(2)));
                assert_eq!(get_registered_object("Only1"), Some(Make(1)));
            });
            assert_eq!(get_registered_object("Mine"), Some(Make(1)));
            assert_eq!(get_registered_object::<Make>("Only2"), None);
        });
        assert_eq!(get_registered_object::<Make>("Mine"), None);
    }

    #[test]
    fn a_panic_closes_the_scope() {
        let result = std::panic::catch_unwind(|| custom_object_scope(scope(1), || panic!("on purpose")));
        assert!(result.is_err());
        assert_eq!(get_registered_object::<Make>("Mine"), None);
    }

    #[test]
    fn guards_may_be_dropped_in_any_order() {
        let outer = enter_custom_object_scope(scope(1));
        let inner = enter_custom_object_scope(scope(2));
        drop(outer);
        assert_eq!(get_registered_object("Mine"), Some(Make(2)));
        drop(inner);
        assert_eq!(get_registered_object::<Make>("Mine"), None);
    }

    #[test]
    fn other_threads_see_a_scope_only_when_given() {
        custom_object_scope(scope(3), || {
            let snapshot = current_scope();
            std::thread::scope(|s| {
                s.spawn(|| {
                    assert_eq!(get_registered_object::<Make>("Mine"), None);
                    custom_object_scope(snapshot, || assert_eq!(get_registered_object("Mine"), Some(Make(3))));
                });
            });
        });
    }

    #[test]
    fn registered_for_the_process() {
        let name = register_keras_serializable("custom_rs_tests", "Thing", Make(8));
        assert_eq!(get_registered_object(&name), Some(Make(8)));
        assert_eq!(registered_name::<Make>("Thing").as_deref(), Some("custom_rs_tests>Thing"));
        assert_eq!(registered_name::<u16>("Thing"), None, "another kind");
        assert!(unregister::<Make>(&name));
        assert!(!unregister::<Make>(&name));
        assert_eq!(registered_name::<Make>("Thing"), None);
    }
}
