//! Restoring objects: the file's graph and the living one are walked together, edge by edge.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use kerox_tensor::trackable::CreateHook;
use kerox_tensor::{Child, Shape, Trackable, Variable};

use crate::assign::{assign_all, mismatch};
use crate::layout::{OBJECT_GRAPH_KEY, VARIABLE_VALUE};
use crate::tracked::{Identity, identity, track_child};
use crate::{
    Attribute, CheckpointReader, LoadEntry, LoadOutcome, LoadReport, LoadStatus, ObjectGraph, Result, nearest,
};

/// A restore and what is left of it: values for variables that do not exist yet.
#[derive(Debug)]
pub(crate) struct Restore {
    reader: CheckpointReader,
    /// `None` in a name-based checkpoint: variables are found by their names.
    graph: Option<ObjectGraph>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// Which living thing a node of the file is.
    bound: HashMap<usize, Identity>,
    /// The key whose value a variable has.
    restored: HashMap<u64, String>,
    /// Values that could not be given to variables created later.
    failed: HashMap<u64, (String, LoadOutcome)>,
    /// Objects that keep a hook of this restore.
    hooked: HashMap<usize, Weak<dyn Trackable>>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Progress({} restored)", self.restored.len())
    }
}

/// What one walk found.
#[derive(Default)]
struct Walk {
    bound: HashMap<usize, Identity>,
    /// Keys and variables that are to have their values.
    pairs: Vec<(String, Variable)>,
    /// Objects below which the file has more than there is.
    waiting: Vec<(usize, Arc<dyn Trackable>)>,
    /// Variables made for values whose shapes are open, with the object and the name they are to have there.
    opened: Vec<(Arc<dyn Trackable>, String, Variable)>,
}

/// Restores `root` and everything below it. `base` is the object whose names `root` shows as its own; it may live
/// longer than `root`.
pub(crate) fn restore(
    reader: CheckpointReader,
    root: Arc<dyn Trackable>,
    base: Option<&Arc<dyn Trackable>>,
) -> Result<LoadStatus> {
    let graph = reader.object_graph()?.cloned();
    let restore = Arc::new(Restore { reader, graph, progress: Mutex::default() });
    let mut walk = restore.walk(0, root.clone());
    let mut mismatches = HashMap::new();
    for (key, variable) in &walk.pairs {
        if let Some(outcome) = mismatch(&restore.reader, key, variable)? {
            mismatches.insert(variable.id(), (key.clone(), outcome));
        }
    }
    if !mismatches.is_empty() {
        let restored = walk.pairs.iter().map(|(key, variable)| (variable.id(), key.clone())).collect();
        let progress = Progress { bound: walk.bound, restored, failed: mismatches, ..Progress::default() };
        let report = Box::new(restore.report_of(&progress, root));
        return Err(crate::Error::Mismatch { report });
    }
    assign_all(&restore.reader, &walk.pairs)?;
    adopt(walk.opened, |_| true);
    {
        let mut progress = restore.lock();
        progress.bound = walk.bound;
        progress.restored = walk.pairs.into_iter().map(|(key, variable)| (variable.id(), key)).collect();
    }
    if let Some(base) = base {
        let own = walk.waiting.iter_mut().filter(|(_, object)| address(object) == address(&root));
        own.for_each(|(_, object)| *object = base.clone());
    }
    restore.wait_at(walk.waiting);
    Ok(LoadStatus::new(restore, root))
}

fn address(object: &Arc<dyn Trackable>) -> usize {
    Arc::as_ptr(object).cast::<()>() as usize
}

impl Restore {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// Walks both graphs from a node and an object.
    fn walk(&self, node: usize, object: Arc<dyn Trackable>) -> Walk {
        match &self.graph {
            Some(graph) => self.walk_graph(graph, node, object),
            None => self.walk_names(object),
        }
    }

    fn walk_graph(&self, graph: &ObjectGraph, start: usize, object: Arc<dyn Trackable>) -> Walk {
        let (mut bound, restored) = {
            let progress = self.lock();
            (progress.bound.clone(), progress.restored.clone())
        };
        let has_values = |node: usize| {
            let node = graph.nodes.get(node);
            node.is_some_and(|node| node.has_checkpoint_values != Some(false))
        };
        let mut walk = Walk::default();
        // Every visited object with its node and the place of the one it was reached from.
        let mut visited: Vec<(usize, Arc<dyn Trackable>, Option<usize>)> = Vec::new();
        let mut seen = HashSet::from([start]);
        let mut unresolved: Vec<usize> = Vec::new();
        let mut queue = VecDeque::from([(start, Child::Object(object), None)]);
        while let Some((id, child, parent)) = queue.pop_front() {
            let Some(node) = graph.nodes.get(id) else { continue };
            bound.insert(id, identity(&child));
            let object = match child {
                Child::Object(object) => object,
                Child::Variable(variable) => {
                    let value = node.attributes.iter().find(|a| a.name == VARIABLE_VALUE).or(node.attributes.first());
                    if let Some(attribute) = value.filter(|_| !restored.contains_key(&variable.id())) {
                        walk.pairs.push((attribute.checkpoint_key.clone(), variable));
                    }
                    continue;
                }
            };
            let at = visited.len();
            visited.push((id, object.clone(), parent));
            let mut living: HashMap<String, Child> = HashMap::new();
            for (name, child) in object.children() {
                living.entry(name).or_insert(child);
            }
            for (name, next) in &node.children {
                if !seen.contains(next) {
                    let opened = self.opened(graph, *next, &object, name, living.get(name));
                    if let Some(variable) = opened {
                        walk.opened.push((object.clone(), name.clone(), variable.clone()));
                        living.insert(name.clone(), Child::Variable(variable));
                    }
                    match living.get(name) {
                        Some(child) => {
                            seen.insert(*next);
                            queue.push_back((*next, child.clone(), Some(at)));
                        }
                        None if has_values(*next) => unresolved.push(at),
                        None => {}
                    }
                }
            }
        }
        // An edge without a living partner is of no interest where another edge led to the same node.
        unresolved.retain(|&at| {
            let (id, object, _) = &visited[at];
            let names: HashSet<String> = object.children().into_iter().map(|(name, _)| name).collect();
            let opened = |name: &str| walk.opened.iter().any(|(o, n, _)| n == name && address(o) == address(object));
            graph.nodes.get(*id).is_some_and(|node| {
                node.children.iter().any(|(name, next)| {
                    !names.contains(name) && !opened(name) && !seen.contains(next) && has_values(*next)
                })
            })
        });
        // Slot variables: the optimizer and the variable they belong to are known by now.
        for (at, (id, object, _)) in visited.iter().enumerate() {
            let Some(node) = graph.nodes.get(*id).filter(|node| !node.slots.is_empty()) else { continue };
            let living = object.slots();
            for slot in &node.slots {
                let original = bound.get(&slot.original);
                let found = living.iter().find(|live| {
                    live.slot_name == slot.slot_name && original == Some(&Identity::Variable(live.original.id()))
                });
                let (Some(found), Some(node)) = (found, graph.nodes.get(slot.slot)) else {
                    unresolved.push(at);
                    continue;
                };
                bound.insert(slot.slot, Identity::Variable(found.variable.id()));
                if let Some(attribute) = node.attributes.first()
                    && !restored.contains_key(&found.variable.id())
                {
                    walk.pairs.push((attribute.checkpoint_key.clone(), found.variable.clone()));
                }
            }
        }
        // Whoever lacks something waits, and so does everyone above: lists are made anew for every look at them.
        let mut waits = vec![false; visited.len()];
        for at in unresolved {
            let mut next = Some(at);
            while let Some(at) = next {
                next = if std::mem::replace(&mut waits[at], true) { None } else { visited[at].2 };
            }
        }
        let waiting = visited.into_iter().zip(waits).filter(|(_, waits)| *waits);
        walk.waiting = waiting.map(|((id, object, _), _)| (id, object)).collect();
        walk.bound = bound;
        // One variable under two names gets its value once.
        let mut once = HashSet::new();
        walk.pairs.retain(|(_, variable)| once.insert(variable.id()));
        walk
    }

    /// A variable for a value whose shape is not the child's, where that is open. Only for values that are there: what
    /// an index claims is not believed.
    fn opened(
        &self,
        graph: &ObjectGraph,
        node: usize,
        object: &Arc<dyn Trackable>,
        name: &str,
        child: Option<&Child>,
    ) -> Option<Variable> {
        let key = |a: &Attribute| (a.name == VARIABLE_VALUE).then(|| a.checkpoint_key.clone());
        let key = graph.nodes.get(node)?.attributes.iter().find_map(key)?;
        let shape = self.reader.info(&key).ok()?.shape;
        match child {
            Some(Child::Variable(variable)) if *variable.shape() != shape => {}
            None => {}
            _ => return None,
        }
        // A variable of no elements tells whether the shape is open at all.
        let mut empty = shape.to_vec();
        *empty.last_mut()? = 0;
        object.open_child(name, &Shape::from(empty))?;
        self.reader.verify(&key).ok()?;
        object.open_child(name, &shape)
    }

    /// A name-based checkpoint: a variable's value has the variable's name for its key.
    fn walk_names(&self, object: Arc<dyn Trackable>) -> Walk {
        let restored = self.lock().restored.clone();
        let mut walk = Walk::default();
        let mut seen = HashSet::new();
        let mut queue = VecDeque::from([Child::Object(object)]);
        let mut objects = Vec::new();
        while let Some(child) = queue.pop_front() {
            if !seen.insert(identity(&child)) {
                continue;
            }
            match child {
                Child::Variable(variable) => {
                    if self.reader.has_tensor(variable.name()) && !restored.contains_key(&variable.id()) {
                        walk.pairs.push((variable.name().to_string(), variable));
                    }
                }
                Child::Object(object) => {
                    queue.extend(object.children().into_iter().map(|(_, child)| child));
                    queue.extend(object.slots().into_iter().map(|slot| Child::Variable(slot.variable)));
                    objects.push(object);
                }
            }
        }
        let used: HashSet<&str> =
            restored.values().map(String::as_str).chain(walk.pairs.iter().map(|(key, _)| key.as_str())).collect();
        if self.reader.keys().any(|key| !used.contains(key)) {
            walk.waiting = objects.into_iter().map(|object| (0, object)).collect();
        }
        walk
    }

    /// Asks objects to say when they have created variables.
    fn wait_at(self: &Arc<Restore>, waiting: Vec<(usize, Arc<dyn Trackable>)>) {
        for (node, object) in waiting {
            let address = address(&object);
            {
                let mut progress = self.lock();
                // An address whose object is gone may have been given to another.
                if progress.hooked.get(&address).is_some_and(|weak| weak.strong_count() > 0) {
                    continue;
                }
                progress.hooked.insert(address, Arc::downgrade(&object));
            }
            let (restore, weak) = (self.clone(), Arc::downgrade(&object));
            let hook: CreateHook = Arc::new(move || match weak.upgrade() {
                Some(object) => restore.go_on(node, object),
                None => false,
            });
            object.on_create(hook);
        }
    }

    /// Restores what an object has created meanwhile; whether there is more to wait for.
    fn go_on(self: &Arc<Restore>, node: usize, object: Arc<dyn Trackable>) -> bool {
        let address_of_object = address(&object);
        let walk = self.walk(node, object);
        let mut fitting = Vec::new();
        let mut failed = Vec::new();
        for (key, variable) in walk.pairs {
            match mismatch(&self.reader, &key, &variable) {
                Ok(None) => fitting.push((key, variable)),
                Ok(Some(outcome)) => failed.push((key, variable, outcome)),
                Err(error) => failed.push((key, variable, LoadOutcome::Failed { message: error.to_string() })),
            }
        }
        let assigned = assign_all(&self.reader, &fitting);
        adopt(walk.opened, |variable| assigned.is_ok() && fitting.iter().any(|(_, fits)| fits == variable));
        if let Err(error) = assigned {
            let message = error.to_string();
            let all = fitting.drain(..).map(|(k, v)| (k, v, LoadOutcome::Failed { message: message.clone() }));
            failed.extend(all);
        }
        let waits = walk.waiting.iter().any(|(_, object)| address(object) == address_of_object);
        {
            let mut progress = self.lock();
            progress.bound.extend(walk.bound);
            for (key, variable) in fitting {
                progress.failed.remove(&variable.id());
                progress.restored.insert(variable.id(), key);
            }
            for (key, variable, outcome) in failed {
                progress.failed.insert(variable.id(), (key, outcome));
            }
            if !waits {
                progress.hooked.remove(&address_of_object);
            }
        }
        self.wait_at(walk.waiting);
        waits
    }

    /// What was restored so far, as seen from `root`.
    pub(crate) fn report(&self, root: Arc<dyn Trackable>) -> LoadReport {
        self.report_of(&self.lock(), root)
    }

    fn report_of(&self, progress: &Progress, root: Arc<dyn Trackable>) -> LoadReport {
        let living = track_child(Child::Object(root));
        let living_paths = living.graph.paths();
        let mut entries = Vec::new();
        for (variable, path) in living.variables.iter().zip(living_paths) {
            let (Some(variable), Some(path)) = (variable, path) else { continue };
            let (key, outcome) = match (progress.failed.get(&variable.id()), progress.restored.get(&variable.id())) {
                (Some((key, outcome)), _) => (Some(key.clone()), outcome.clone()),
                (None, Some(key)) => (Some(key.clone()), LoadOutcome::Matched),
                // The counter belongs to the checkpoint object; files written without one are as good.
                (None, None) if path == crate::checkpoint::SAVE_COUNTER => continue,
                (None, None) => (None, LoadOutcome::MissingInFile),
            };
            entries.push(LoadEntry { path, variable: Some(variable.name().into()), key, outcome, nearest: Vec::new() });
        }
        let unused = |path: String, key: String| LoadEntry {
            path,
            variable: None,
            key: Some(key),
            outcome: LoadOutcome::UnusedInFile,
            nearest: Vec::new(),
        };
        match &self.graph {
            Some(graph) => {
                for (id, (node, path)) in graph.nodes.iter().zip(graph.paths()).enumerate() {
                    let path = path.unwrap_or_default();
                    let is_variable = matches!(progress.bound.get(&id), Some(Identity::Variable(_)));
                    let used = usize::from(is_variable);
                    entries.extend(
                        node.attributes.iter().skip(used).map(|a| unused(path.clone(), a.checkpoint_key.clone())),
                    );
                }
            }
            None => {
                let used: HashSet<&str> = progress.restored.values().map(String::as_str).collect();
                let left = self.reader.keys().filter(|key| !used.contains(key) && *key != OBJECT_GRAPH_KEY);
                entries.extend(left.map(|key| unused(key.into(), key.into())));
            }
        }
        propose(&mut entries);
        LoadReport { prefix: self.reader.prefix().to_path_buf(), entries }
    }
}

/// Gives objects the variables that were made for them and have their values.
fn adopt(opened: Vec<(Arc<dyn Trackable>, String, Variable)>, has_value: impl Fn(&Variable) -> bool) {
    for (object, name, variable) in opened.into_iter().filter(|(.., variable)| has_value(variable)) {
        object.adopt_child(&name, variable);
    }
}

/// Names the nearest partners of what found none. With many on both sides names no longer help, and cost much.
fn propose(entries: &mut [LoadEntry]) {
    let paths = |entries: &[LoadEntry], outcome: LoadOutcome| -> Vec<String> {
        entries.iter().filter(|e| e.outcome == outcome).map(|e| e.path.clone()).collect()
    };
    let missing = paths(entries, LoadOutcome::MissingInFile);
    let unused = paths(entries, LoadOutcome::UnusedInFile);
    if missing.len().saturating_mul(unused.len()) > 20_000 {
        return;
    }
    for entry in entries {
        entry.nearest = match entry.outcome {
            LoadOutcome::MissingInFile => nearest::nearest(&entry.path, unused.iter().map(String::as_str)),
            LoadOutcome::UnusedInFile => nearest::nearest(&entry.path, missing.iter().map(String::as_str)),
            _ => continue,
        };
    }
}
