//! The objects of a model and the names between them.

use std::collections::VecDeque;

use crate::messages::saved_object_graph::{Kind, SavedVariable};
use crate::messages::{SavedObject, SavedObjectGraph};
use crate::{Error, Result};

/// The objects of a model; every number in it leads to an object that is there.
#[derive(Clone, Copy, Debug)]
pub struct Objects<'a> {
    graph: &'a SavedObjectGraph,
}

/// One object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    objects: Objects<'a>,
    /// Its number.
    pub id: usize,
    /// Its message.
    pub def: &'a SavedObject,
}

impl<'a> Objects<'a> {
    /// Looks at a graph of objects.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a child, slot, dependency or captured input is no object of the graph, or there is none.
    pub fn new(graph: &'a SavedObjectGraph) -> Result<Objects<'a>> {
        let count = graph.nodes.len();
        let check = |what: String, id: i32| match usize::try_from(id) {
            Ok(id) if id < count => Ok(()),
            _ => Err(Error::invalid("object graph", what, format!("an object below {count}"), id.to_string())),
        };
        if count == 0 {
            return Err(Error::invalid("object graph", "root", "an object", "none"));
        }
        for (id, node) in graph.nodes.iter().enumerate() {
            for child in node.children.iter().chain(&node.dependencies) {
                check(format!("child `{}` of object {id}", child.local_name), child.node_id)?;
            }
            for slot in &node.slot_variables {
                check(format!("slot `{}` of object {id}", slot.slot_name), slot.original_variable_node_id)?;
                check(format!("slot `{}` of object {id}", slot.slot_name), slot.slot_variable_node_id)?;
            }
        }
        for (name, function) in &graph.concrete_functions {
            for &id in &function.bound_inputs {
                check(format!("captured input of function `{name}`"), id)?;
            }
        }
        Ok(Objects { graph })
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.graph.nodes.len()
    }

    /// Whether there are no objects; there always is the root.
    pub fn is_empty(&self) -> bool {
        self.graph.nodes.is_empty()
    }

    /// An object by number.
    pub fn get(&self, id: usize) -> Option<Object<'a>> {
        self.graph.nodes.get(id).map(|def| Object { objects: *self, id, def })
    }

    /// The root.
    pub fn root(&self) -> Option<Object<'a>> {
        self.get(0)
    }

    /// All objects in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let objects = *self;
        self.graph.nodes.iter().enumerate().map(move |(id, def)| Object { objects, id, def })
    }

    /// The object at a path of names from the root, such as Keras's `root.layer_with_weights-0`; `root` is the root.
    pub fn at_path(&self, path: &str) -> Option<Object<'a>> {
        let mut names = path.split('.');
        let root = self.root().filter(|_| names.next() == Some("root"))?;
        names.try_fold(root, |object, name| object.child(name))
    }

    /// The shortest ways from the root to all objects.
    pub fn paths(&self) -> Paths<'a> {
        let mut steps: Vec<Option<(usize, &str)>> = vec![None; self.len()];
        let mut queue = VecDeque::from([0]);
        while let Some(object) = queue.pop_front().and_then(|id| self.get(id)) {
            for (name, child) in object.children() {
                if let Some(step @ None) = steps.get_mut(child.id)
                    && child.id > 0
                {
                    *step = Some((object.id, name));
                    queue.push_back(child.id);
                }
            }
        }
        Paths { steps }
    }
}

/// The shortest ways from the root to all objects, and of equally short ones the first.
#[derive(Clone, Debug)]
pub struct Paths<'a> {
    /// The object one step nearer to the root, and its name for this one.
    steps: Vec<Option<(usize, &'a str)>>,
}

impl<'a> Paths<'a> {
    /// The names that lead to an object; none to the root. `None` for objects that no way leads to.
    pub fn get(&self, object: usize) -> Option<Vec<&'a str>> {
        let (mut names, mut at) = (Vec::new(), object);
        while at != 0 {
            let (nearer, name) = (*self.steps.get(at)?)?;
            names.push(name);
            at = nearer;
        }
        names.reverse();
        Some(names)
    }
}

impl<'a> Object<'a> {
    /// Names and the objects they lead to, in the order of the file.
    pub fn children(&self) -> impl Iterator<Item = (&'a str, Object<'a>)> + use<'a> {
        let objects = self.objects;
        let child = move |id: i32| usize::try_from(id).ok().and_then(|id| objects.get(id));
        self.def.children.iter().filter_map(move |edge| Some((edge.local_name.as_str(), child(edge.node_id)?)))
    }

    /// The object that a name leads to.
    pub fn child(&self, name: &str) -> Option<Object<'a>> {
        self.children().find(|(child, _)| *child == name).map(|(_, object)| object)
    }

    /// The class's identifier, of an object of a class: `_tf_keras_layer`, `trackable_list_wrapper`, ...
    pub fn identifier(&self) -> Option<&'a str> {
        match &self.def.kind {
            Some(Kind::UserObject(object)) => Some(&object.identifier),
            _ => None,
        }
    }

    /// The variable, where this is one.
    pub fn variable(&self) -> Option<&'a SavedVariable> {
        match &self.def.kind {
            Some(Kind::Variable(variable)) => Some(variable),
            _ => None,
        }
    }

    /// The elements, where this is a list or tuple: children `0`, `1`, ...
    pub fn elements(&self) -> Vec<Object<'a>> {
        let mut places: Vec<(usize, Object<'a>)> =
            self.children().filter_map(|(name, object)| Some((name.parse().ok()?, object))).collect();
        places.sort_by_key(|(place, _)| *place);
        let ordered = places.into_iter().enumerate().take_while(|(at, (place, _))| at == place);
        ordered.map(|(_, (_, object))| object).collect()
    }

    /// Names of the functions of the library this object calls: the traces of a function, or the only one.
    pub fn concrete_functions(&self) -> Vec<&'a str> {
        match &self.def.kind {
            Some(Kind::Function(function)) => function.concrete_functions.iter().map(String::as_str).collect(),
            Some(Kind::BareConcreteFunction(function)) => vec![&function.concrete_function_name],
            _ => Vec::new(),
        }
    }
}
