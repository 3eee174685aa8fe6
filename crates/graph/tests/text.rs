//! Operations on strings, ragged rows and counts; expected values are TensorFlow's.

use kerox_graph::{Attr, Attrs, Graph, Interpreter, Result, ops};
use kerox_tensor::Tensor;

/// Runs one operation on constants.
fn run(op: &str, attrs: &[(&str, Attr)], inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let attrs = attrs.iter().fold(Attrs::new(op, "node"), |attrs, (name, value)| attrs.with(*name, value.clone()));
    let mut g = Graph::new();
    let inputs = inputs.iter().map(|t| g.constant(t.clone())).collect::<Result<Vec<_>>>()?;
    let id = g.add_node(op, ops::build(op, &attrs)?, &inputs)?;
    let outputs = g.values(id);
    Interpreter::new(&g, &[], &outputs, &[]).run(Vec::new())?.into_iter().map(|v| v.into_tensor()).collect()
}

fn text(values: &[&str]) -> Tensor {
    Tensor::from_strings(values, [values.len()]).unwrap()
}

fn ints(values: &[i64]) -> Tensor {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

fn string(s: &str) -> Attr {
    Attr::String(s.as_bytes().to_vec())
}

fn scalar(s: &str) -> Tensor {
    Tensor::scalar(s.as_bytes().to_vec())
}

fn check(op: &str, attrs: &[(&str, Attr)], inputs: &[Tensor], expected: &[Tensor]) {
    let found = run(op, attrs, inputs).unwrap_or_else(|e| panic!("{op}: {e}"));
    assert_eq!(found, expected, "{op}");
}

#[test]
fn case_length_and_blanks() {
    check("StringLower", &[], &[text(&["ÀB"])], &[text(&["Àb"])]);
    check("StringLower", &[("encoding", string("utf-8"))], &[text(&["ÀB"])], &[text(&["àb"])]);
    check("StringUpper", &[], &[text(&["ab"])], &[text(&["AB"])]);
    check("StringStrip", &[], &[text(&["  a b\n"])], &[text(&["a b"])]);
    let length = |n: i32| Tensor::from_vec(vec![n], [1]).unwrap();
    check("StringLength", &[], &[text(&["aé"])], &[length(3)]);
    check("StringLength", &[("unit", string("UTF8_CHAR"))], &[text(&["aé"])], &[length(2)]);
}

#[test]
fn regular_expressions() {
    let replace = |input: &str, pattern: &str, rewrite: &str, expected: &str| {
        let attrs = [("pattern", string(pattern)), ("rewrite", string(rewrite))];
        check("StaticRegexReplace", &attrs, &[text(&[input])], &[text(&[expected])]);
        check("RegexReplace", &[], &[text(&[input]), scalar(pattern), scalar(rewrite)], &[text(&[expected])]);
    };
    replace("a1b22", "([0-9]+)", "<\\1\\0>", "a<11>b<2222>");
    replace("aaa", "a*", "x", "x");
    replace("abc", "", "-", "-a-b-c-");
    // What a text vectorization strips unless told otherwise.
    replace("a.b, (c)'s!", r##"[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']"##, "", "ab cs");
    let first = [("pattern", string("a")), ("rewrite", string("x")), ("replace_global", Attr::Bool(false))];
    check("StaticRegexReplace", &first, &[text(&["aaa"])], &[text(&["xaa"])]);
    let matches = Tensor::from_vec(vec![true, false], [2]).unwrap();
    check("StaticRegexFullMatch", &[("pattern", string("a|ab"))], &[text(&["ab", "abc"])], &[matches]);
    assert!(run("StaticRegexReplace", &[("pattern", string("(")), ("rewrite", string(""))], &[text(&[""])]).is_err());
    let huge = [("pattern", string("((a{100}){100}){100}")), ("rewrite", string(""))];
    assert!(run("StaticRegexReplace", &huge, &[text(&["a"])]).is_err());
}

#[test]
fn splitting_as_python_does() {
    let matrix = |v: &[i64]| Tensor::from_vec(v.to_vec(), [v.len() / 2, 2]).unwrap();
    check(
        "StringSplitV2",
        &[],
        &[text(&["  a b  c ", "", "d"]), scalar("")],
        &[matrix(&[0, 0, 0, 1, 0, 2, 2, 0]), text(&["a", "b", "c", "d"]), ints(&[3, 3])],
    );
    check(
        "StringSplitV2",
        &[],
        &[text(&["a,b,,c", ",", ""]), scalar(",")],
        &[matrix(&[0, 0, 0, 1, 0, 2, 0, 3, 1, 0, 1, 1, 2, 0]), text(&["a", "b", "", "c", "", "", ""]), ints(&[3, 4])],
    );
    let two = [("maxsplit", Attr::Int(2))];
    let parts = |p: &[&str]| vec![matrix(&[0, 0, 0, 1, 0, 2]), text(p), ints(&[1, 3])];
    check("StringSplitV2", &two, &[text(&["a b  c d"]), scalar("")], &parts(&["a", "b", "c d"]));
    check("StringSplitV2", &two, &[text(&["a,b,c,d"]), scalar(",")], &parts(&["a", "b", "c,d"]));
}

#[test]
fn joining_and_numbers() {
    check(
        "StringJoin",
        &[("separator", string("-"))],
        &[text(&["a", "b"]), scalar("x"), text(&["c", "d"])],
        &[text(&["a-x-c", "b-x-d"])],
    );
    let floats = |v: &[f32]| Tensor::from_vec(v.to_vec(), [v.len()]).unwrap();
    check("StringToNumber", &[], &[text(&["1.5", "-2e3", " 3 ", "inf"])], &[floats(&[1.5, -2e3, 3.0, f32::INFINITY])]);
    assert!(run("StringToNumber", &[], &[text(&["three"])]).is_err());
    check("AsString", &[], &[floats(&[1.5, 2.0, -0.1])], &[text(&["1.500000", "2.000000", "-0.100000"])]);
    check("AsString", &[], &[ints(&[1, -2])], &[text(&["1", "-2"])]);
    check("AsString", &[], &[Tensor::from_vec(vec![true], [1]).unwrap()], &[text(&["true"])]);
    let padded = [("precision", Attr::Int(2)), ("fill", string("0")), ("width", Attr::Int(6))];
    check("AsString", &padded, &[floats(&[1.5, 2.0])], &[text(&["001.50", "002.00"])]);
    let numbers = floats(&[1.5, 2e10]);
    let scientific = text(&["1.500000e+00", "2.000000e+10"]);
    check("AsString", &[("scientific", Attr::Bool(true))], std::slice::from_ref(&numbers), &[scientific]);
    check("AsString", &[("shortest", Attr::Bool(true))], &[numbers], &[text(&["1.5", "2e+10"])]);
    check("StringToHashBucketFast", &[("num_buckets", Attr::Int(1))], &[text(&["a"])], &[ints(&[0])]);
    assert!(run("StringToHashBucketFast", &[("num_buckets", Attr::Int(0))], &[text(&["a"])]).is_err());
}

fn ragged(shape: &[i64], values: Tensor, default: i64, types: &[&str], parts: &[&[i64]]) -> Result<Tensor> {
    let types = Attr::List(types.iter().map(|t| string(t)).collect());
    let mut inputs = vec![ints(shape), values, Tensor::scalar(default)];
    for (i, part) in parts.iter().enumerate() {
        let is_size = i == 0 && part.len() == 1;
        inputs.push(if is_size { Tensor::scalar(part[0]) } else { ints(part) });
    }
    Ok(run("RaggedTensorToTensor", &[("row_partition_types", types)], &inputs)?.remove(0))
}

#[test]
fn ragged_rows_become_dense() {
    let i = |values: &[i64], shape: &[usize]| Tensor::from_vec(values.to_vec(), shape).unwrap();
    let found = ragged(&[-1, -1], ints(&[1, 2, 3, 4]), 0, &["ROW_SPLITS"], &[&[0, 1, 1, 4]]);
    assert_eq!(found.unwrap(), i(&[1, 0, 0, 0, 0, 0, 2, 3, 4], &[3, 3]));
    let types = ["FIRST_DIM_SIZE", "VALUE_ROWIDS"];
    let found = ragged(&[4, 2], ints(&[1, 2, 3, 4]), 9, &types, &[&[3], &[0, 2, 2, 2]]);
    assert_eq!(found.unwrap(), i(&[1, 9, 9, 9, 2, 3, 9, 9], &[4, 2]));
    let types = ["ROW_SPLITS", "ROW_SPLITS"];
    let found = ragged(&[-1, -1, -1], ints(&[1, 2, 3, 4, 5]), 0, &types, &[&[0, 2, 3], &[0, 1, 3, 5]]);
    assert_eq!(found.unwrap(), i(&[1, 0, 2, 3, 4, 5, 0, 0], &[2, 2, 2]));
    let values = i(&[1, 2, 3, 4, 5, 6], &[3, 2]);
    let found = ragged(&[-1, -1, 2], values, 0, &["ROW_SPLITS"], &[&[0, 2, 3]]);
    assert_eq!(found.unwrap(), i(&[1, 2, 3, 4, 5, 6, 0, 0], &[2, 2, 2]));
    // Partitions that do not fit the values.
    assert!(ragged(&[-1, -1], ints(&[1]), 0, &["ROW_SPLITS"], &[&[0, 1 << 40]]).is_err());
    assert!(ragged(&[-1, -1], ints(&[1]), 0, &["ROW_SPLITS"], &[&[0, 2]]).is_err());
    assert!(ragged(&[1 << 40, 1 << 40], ints(&[1]), 0, &["ROW_SPLITS"], &[&[0, 1]]).is_err());
}

#[test]
fn counts_and_buckets() {
    let none = Tensor::from_vec(Vec::<f32>::new(), [0]).unwrap();
    let floats = |v: &[f32], shape: &[usize]| Tensor::from_vec(v.to_vec(), shape).unwrap();
    let size = |n: i32| Tensor::scalar(n);
    let arr = Tensor::from_vec(vec![1, 1, 3, 7], [4]).unwrap();
    check("Bincount", &[], &[arr, size(5), none.clone()], &[floats(&[0.0, 2.0, 0.0, 1.0, 0.0], &[5])]);
    let rows = Tensor::from_vec(vec![1i64, 1, 3, 7, 0, 0, 0, 2], [2, 4]).unwrap();
    let four = Tensor::scalar(4i64);
    let counts = floats(&[0.0, 2.0, 0.0, 1.0, 3.0, 0.0, 1.0, 0.0], &[2, 4]);
    check("DenseBincount", &[], &[rows.clone(), four.clone(), none.clone()], &[counts]);
    let there = floats(&[0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], &[2, 4]);
    check("DenseBincount", &[("binary_output", Attr::Bool(true))], &[rows, four.clone(), none.clone()], &[there]);
    assert!(run("DenseBincount", &[], &[ints(&[-1]), four, none]).is_err());
    let boundaries = Attr::List(vec![Attr::Float(0.0), Attr::Float(10.0)]);
    let found = run("Bucketize", &[("boundaries", boundaries)], &[floats(&[-1.0, 0.0, 5.0, 10.0, 11.0], &[5])]);
    assert_eq!(found.unwrap()[0], Tensor::from_vec(vec![0, 1, 1, 2, 2], [5]).unwrap());
}

#[test]
fn picking() {
    let floats = |v: &[f32], shape: &[usize]| Tensor::from_vec(v.to_vec(), shape).unwrap();
    let i32s = |v: &[i32], shape: &[usize]| Tensor::from_vec(v.to_vec(), shape).unwrap();
    let rows = floats(&[1.0, 3.0, 3.0, 2.0, 4.0, 0.0, 4.0, 5.0], &[2, 4]);
    let two = Tensor::scalar(2);
    let expected = [floats(&[3.0, 3.0, 5.0, 4.0], &[2, 2]), i32s(&[1, 2, 3, 0], &[2, 2])];
    check("TopKV2", &[], &[rows.clone(), two.clone()], &expected);
    let within = Tensor::from_vec(vec![true, false], [2]).unwrap();
    check("InTopKV2", &[], &[rows.clone(), i32s(&[2, 1], &[2]), two], std::slice::from_ref(&within));
    check("InTopKV2", &[], &[rows, i32s(&[1, 0], &[2]), Tensor::scalar(1)], &[within]);
    let unique = [ints(&[5, 3, 2]), i32s(&[0, 1, 0, 2, 1], &[5])];
    check("Unique", &[], &[ints(&[5, 3, 5, 2, 3])], &unique);
    let pairs = Tensor::from_vec(vec![1i64, 2, 3, 4, 1, 2], [3, 2]).unwrap();
    let kept = Tensor::from_vec(vec![1i64, 2, 3, 4], [2, 2]).unwrap();
    check("UniqueV2", &[], &[pairs, ints(&[0])], &[kept, i32s(&[0, 1, 0], &[3])]);
    let holes = floats(&[0.0, 1.5, 0.0, -2.0], &[2, 2]);
    check("Where", &[], &[holes], &[Tensor::from_vec(vec![0i64, 1, 1, 1], [2, 2]).unwrap()]);
    let clipped = floats(&[-1.0, 0.5, 1.0], &[3]);
    let bounds = [Tensor::scalar(-1f32), Tensor::scalar(1f32)];
    check("ClipByValue", &[], &[floats(&[-3.0, 0.5, 7.0], &[3]), bounds[0].clone(), bounds[1].clone()], &[clipped]);
}

#[test]
fn resizing_and_blocks() {
    let nine: Vec<f32> = (0..9).map(|i| i as f32).collect();
    let images = Tensor::from_vec(nine, [1, 3, 3, 1]).unwrap();
    let size = Tensor::from_vec(vec![2, 5], [2]).unwrap();
    let near = |op: &str, expected: [f32; 10]| {
        let attrs = [("half_pixel_centers", Attr::Bool(true))];
        let found = run(op, &attrs, &[images.clone(), size.clone()]).unwrap().remove(0);
        for (a, b) in found.as_slice::<f32>().unwrap().iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{op}: {found:?}");
        }
    };
    near("ResizeBilinear", [0.75, 1.15, 1.75, 2.35, 2.75, 5.25, 5.65, 6.25, 6.85, 7.25]);
    near("ResizeNearestNeighbor", [0.0, 0.0, 1.0, 2.0, 2.0, 6.0, 6.0, 7.0, 8.0, 8.0]);
    near("ResizeArea", [1.0, 4.0 / 3.0, 2.0, 8.0 / 3.0, 3.0, 5.0, 16.0 / 3.0, 6.0, 20.0 / 3.0, 7.0]);
    assert!(run("ResizeBilinear", &[], &[images, size]).is_err(), "other centres");
    let range = |n: i64, shape: &[usize]| Tensor::from_vec((0..n).collect::<Vec<i64>>(), shape).unwrap();
    let two = [("block_size", Attr::Int(2))];
    let deep = run("SpaceToDepth", &two, &[range(32, &[1, 4, 4, 2])]).unwrap().remove(0);
    assert_eq!(deep.as_slice::<i64>().unwrap()[..8], [0, 1, 2, 3, 8, 9, 10, 11]);
    let flat = run("DepthToSpace", &two, &[range(16, &[1, 1, 2, 8])]).unwrap().remove(0);
    let first: Vec<i64> = flat.as_slice::<i64>().unwrap().iter().step_by(2).copied().collect();
    assert_eq!(first, [0, 2, 8, 10, 4, 6, 12, 14]);
    let none = Tensor::from_vec(vec![0i32; 4], [2, 2]).unwrap();
    let block = Tensor::from_vec(vec![2i32, 2], [2]).unwrap();
    let batches =
        run("SpaceToBatchND", &[], &[range(16, &[1, 4, 4, 1]), block.clone(), none.clone()]).unwrap().remove(0);
    let expected = [0i64, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15];
    assert_eq!(batches, Tensor::from_vec(expected.to_vec(), [4, 2, 2, 1]).unwrap());
    let back = run("BatchToSpaceND", &[], &[batches, block, none]).unwrap().remove(0);
    assert_eq!(back, range(16, &[1, 4, 4, 1]));
}
