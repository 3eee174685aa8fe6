//! Operations: names and types of their inputs, outputs and attributes, and the attributes' defaults.
//!
//! One operation a line: `Name(input:type, ...) -> output:type, ...; attribute:type=default, ...`.
//! `!` after the name marks operations with state or effects, `&` references to variables, `N*T` a number `N` of tensors
//! of type `T`; where `T` is an attribute of type `list(type)` the tensors are as many as it has types. Shapes are
//! written `[1,-1]` and `?` where the rank is unknown.
//!
//! Source: the operations registered in TensorFlow 2.15.

/// The table.
pub(super) const TABLE: &str = r##"
Abs(x:T) -> y:T; T:type
Acos(x:T) -> y:T; T:type
Acosh(x:T) -> y:T; T:type
Add(x:T, y:T) -> z:T; T:type
AddN(inputs:N*T) -> sum:T; N:int, T:type
AddV2(x:T, y:T) -> z:T; T:type
AdjustContrastv2(images:T, contrast_factor:float) -> output:T; T:type=float
AdjustHue(images:T, delta:float) -> output:T; T:type=float
AdjustSaturation(images:T, scale:float) -> output:T; T:type=float
All(input:bool, reduction_indices:Tidx) -> output:bool; keep_dims:bool=false, Tidx:type=int32
Angle(input:T) -> output:Tout; T:type=complex64, Tout:type=float
AnonymousIterator!() -> handle:resource; output_types:list(type), output_shapes:list(shape)
Any(input:bool, reduction_indices:Tidx) -> output:bool; keep_dims:bool=false, Tidx:type=int32
ApplyGradientDescent(var:&T, alpha:T, delta:T) -> out:&T; T:type, use_locking:bool=false
ApproximateEqual(x:T, y:T) -> z:bool; T:type, tolerance:float=1e-05
ArgMax(input:T, dimension:Tidx) -> output:output_type; T:type, Tidx:type=int32, output_type:type=int64
ArgMin(input:T, dimension:Tidx) -> output:output_type; T:type, Tidx:type=int32, output_type:type=int64
AsString(input:T) -> output:string; T:type, precision:int=-1, scientific:bool=false, shortest:bool=false, width:int=-1, fill:string=""
Asin(x:T) -> y:T; T:type
Asinh(x:T) -> y:T; T:type
Assert!(condition:bool, data:T) ->; T:list(type), summarize:int=3
Assign(ref:&T, value:T) -> output_ref:&T; T:type, validate_shape:bool=true, use_locking:bool=true
AssignAdd(ref:&T, value:T) -> output_ref:&T; T:type, use_locking:bool=false
AssignAddVariableOp!(resource:resource, value:dtype) ->; dtype:type
AssignSub(ref:&T, value:T) -> output_ref:&T; T:type, use_locking:bool=false
AssignSubVariableOp!(resource:resource, value:dtype) ->; dtype:type
AssignVariableOp!(resource:resource, value:dtype) ->; dtype:type, validate_shape:bool=false
Atan(x:T) -> y:T; T:type
Atan2(y:T, x:T) -> z:T; T:type
Atanh(x:T) -> y:T; T:type
AvgPool(value:T) -> output:T; ksize:list(int), strides:list(int), padding:string, data_format:string="NHWC", T:type
AvgPool3D(input:T) -> output:T; ksize:list(int), strides:list(int), padding:string, data_format:string="NDHWC", T:type
BatchMatMul(x:T, y:T) -> output:T; T:type, adj_x:bool=false, adj_y:bool=false
BatchMatMulV2(x:T, y:T) -> output:T; T:type, adj_x:bool=false, adj_y:bool=false
BatchMatMulV3(x:Ta, y:Tb) -> output:Tout; Ta:type, Tb:type, Tout:type, adj_x:bool=false, adj_y:bool=false
BatchToSpaceND(input:T, block_shape:Tblock_shape, crops:Tcrops) -> output:T; T:type, Tblock_shape:type=int32, Tcrops:type=int32
BesselI0(x:T) -> y:T; T:type
BesselI0e(x:T) -> y:T; T:type
BesselI1(x:T) -> y:T; T:type
BesselI1e(x:T) -> y:T; T:type
Betainc(a:T, b:T, x:T) -> z:T; T:type
BiasAdd(value:T, bias:T) -> output:T; T:type, data_format:string="NHWC"
BiasAddGrad(out_backprop:T) -> output:T; T:type, data_format:string="NHWC"
BiasAddV1(value:T, bias:T) -> output:T; T:type
Bincount(arr:int32, size:int32, weights:T) -> bins:T; T:type
Bitcast(input:T) -> output:type; T:type, type:type
BitwiseAnd(x:T, y:T) -> z:T; T:type
BitwiseOr(x:T, y:T) -> z:T; T:type
BitwiseXor(x:T, y:T) -> z:T; T:type
BlockLSTM(seq_len_max:int64, x:T, cs_prev:T, h_prev:T, w:T, wci:T, wcf:T, wco:T, b:T) -> i:T, cs:T, f:T, o:T, ci:T, co:T, h:T; forget_bias:float=1.0, cell_clip:float=3.0, use_peephole:bool=false, T:type
BoostedTreesBucketize(float_values:num_features*float, bucket_boundaries:num_features*float) -> buckets:num_features*int32; num_features:int
BroadcastArgs(s0:T, s1:T) -> r0:T; T:type=int32
BroadcastGradientArgs(s0:T, s1:T) -> r0:T, r1:T; T:type=int32
BroadcastTo(input:T, shape:Tidx) -> output:T; T:type, Tidx:type=int32
Bucketize(input:T) -> output:int32; T:type, boundaries:list(float)
CTCBeamSearchDecoder(inputs:T, sequence_length:int32) -> decoded_indices:top_paths*int64, decoded_values:top_paths*int64, decoded_shape:top_paths*int64, log_probability:T; beam_width:int, top_paths:int, merge_repeated:bool=true, T:type=float
CTCGreedyDecoder(inputs:T, sequence_length:int32) -> decoded_indices:int64, decoded_values:int64, decoded_shape:int64, log_probability:T; merge_repeated:bool=false, blank_index:int=-1, T:type=float
Case!(branch_index:int32, input:Tin) -> output:Tout; Tin:list(type), Tout:list(type), branches:list(func), output_shapes:list(shape)=[]
Cast(x:SrcT) -> y:DstT; SrcT:type, DstT:type, Truncate:bool=false
Ceil(x:T) -> y:T; T:type
CheckNumerics!(tensor:T) -> output:T; T:type, message:string
CheckNumericsV2!(tensor:T) -> output:T; T:type, message:string
Cholesky(input:T) -> output:T; T:type
ClipByValue(t:T, clip_value_min:T, clip_value_max:T) -> output:T; T:type
CombinedNonMaxSuppression(boxes:float, scores:float, max_output_size_per_class:int32, max_total_size:int32, iou_threshold:float, score_threshold:float) -> nmsed_boxes:float, nmsed_scores:float, nmsed_classes:float, valid_detections:int32; pad_per_class:bool=false, clip_boxes:bool=true
Complex(real:T, imag:T) -> out:Tout; T:type=float, Tout:type=complex64
ComplexAbs(x:T) -> y:Tout; T:type=complex64, Tout:type=float
Concat(concat_dim:int32, values:N*T) -> output:T; N:int, T:type
ConcatOffset(concat_dim:int32, shape:N*shape_type) -> offset:N*shape_type; N:int, shape_type:type=int32
ConcatV2(values:N*T, axis:Tidx) -> output:T; N:int, T:type, Tidx:type=int32
Conj(input:T) -> output:T; T:type=complex64
Const() -> output:dtype; value:tensor, dtype:type
ControlTrigger() ->
Conv2D(input:T, filter:T) -> output:T; T:type, strides:list(int), use_cudnn_on_gpu:bool=true, padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
Conv2DBackpropFilter(input:T, filter_sizes:int32, out_backprop:T) -> output:T; T:type, strides:list(int), use_cudnn_on_gpu:bool=true, padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
Conv2DBackpropInput(input_sizes:int32, filter:T, out_backprop:T) -> output:T; T:type, strides:list(int), use_cudnn_on_gpu:bool=true, padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
Conv3D(input:T, filter:T) -> output:T; T:type, strides:list(int), padding:string, data_format:string="NDHWC", dilations:list(int)=[1,1,1,1,1]
Conv3DBackpropFilterV2(input:T, filter_sizes:int32, out_backprop:T) -> output:T; T:type, strides:list(int), padding:string, data_format:string="NDHWC", dilations:list(int)=[1,1,1,1,1]
Conv3DBackpropInputV2(input_sizes:Tshape, filter:T, out_backprop:T) -> output:T; T:type, strides:list(int), padding:string, data_format:string="NDHWC", dilations:list(int)=[1,1,1,1,1], Tshape:type=int32
Cos(x:T) -> y:T; T:type
Cosh(x:T) -> y:T; T:type
CropAndResize(image:T, boxes:float, box_ind:int32, crop_size:int32) -> crops:float; T:type, method:string="bilinear", extrapolation_value:float=0.0
Cross(a:T, b:T) -> product:T; T:type
CudnnRNN!(input:T, input_h:T, input_c:T, params:T) -> output:T, output_h:T, output_c:T, reserve_space:T; T:type, rnn_mode:string="lstm", input_mode:string="linear_input", direction:string="unidirectional", dropout:float=0.0, seed:int=0, seed2:int=0, is_training:bool=true
CudnnRNNBackprop!(input:T, input_h:T, input_c:T, params:T, output:T, output_h:T, output_c:T, output_backprop:T, output_h_backprop:T, output_c_backprop:T, reserve_space:T) -> input_backprop:T, input_h_backprop:T, input_c_backprop:T, params_backprop:T; T:type, rnn_mode:string="lstm", input_mode:string="linear_input", direction:string="unidirectional", dropout:float=0.0, seed:int=0, seed2:int=0
CudnnRNNBackpropV3!(input:T, input_h:T, input_c:T, params:T, sequence_lengths:int32, output:T, output_h:T, output_c:T, output_backprop:T, output_h_backprop:T, output_c_backprop:T, reserve_space:T, host_reserved:int8) -> input_backprop:T, input_h_backprop:T, input_c_backprop:T, params_backprop:T; T:type, rnn_mode:string="lstm", input_mode:string="linear_input", direction:string="unidirectional", dropout:float=0.0, seed:int=0, seed2:int=0, num_proj:int=0, time_major:bool=true
CudnnRNNV3!(input:T, input_h:T, input_c:T, params:T, sequence_lengths:int32) -> output:T, output_h:T, output_c:T, reserve_space:T, host_reserved:int8; T:type, rnn_mode:string="lstm", input_mode:string="linear_input", direction:string="unidirectional", dropout:float=0.0, seed:int=0, seed2:int=0, num_proj:int=0, is_training:bool=true, time_major:bool=true
Cumprod(x:T, axis:Tidx) -> out:T; exclusive:bool=false, reverse:bool=false, T:type, Tidx:type=int32
Cumsum(x:T, axis:Tidx) -> out:T; exclusive:bool=false, reverse:bool=false, T:type, Tidx:type=int32
DecodeBase64(input:string) -> output:string
DecodeImage(contents:string) -> image:dtype; channels:int=0, dtype:type=uint8, expand_animations:bool=true
DecodeJpeg(contents:string) -> image:uint8; channels:int=0, ratio:int=1, fancy_upscaling:bool=true, try_recover_truncated:bool=false, acceptable_fraction:float=1.0, dct_method:string=""
DecodePng(contents:string) -> image:dtype; channels:int=0, dtype:type=uint8
DecodeRaw(bytes:string) -> output:out_type; out_type:type, little_endian:bool=true
DenseBincount(input:Tidx, size:Tidx, weights:T) -> output:T; Tidx:type, T:type, binary_output:bool=false
DepthToSpace(input:T) -> output:T; T:type, block_size:int, data_format:string="NHWC"
DepthwiseConv2dNative(input:T, filter:T) -> output:T; T:type, strides:list(int), padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
DepthwiseConv2dNativeBackpropFilter(input:T, filter_sizes:int32, out_backprop:T) -> output:T; T:type, strides:list(int), padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
DepthwiseConv2dNativeBackpropInput(input_sizes:int32, filter:T, out_backprop:T) -> output:T; T:type, strides:list(int), padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC", dilations:list(int)=[1,1,1,1]
DestroyResourceOp!(resource:resource) ->; ignore_lookup_error:bool=true
Diag(diagonal:T) -> output:T; T:type
DiagPart(input:T) -> diagonal:T; T:type
Digamma(x:T) -> y:T; T:type
Dilation2D(input:T, filter:T) -> output:T; T:type, strides:list(int), rates:list(int), padding:string
DisableCopyOnRead!(resource:resource) ->
Div(x:T, y:T) -> z:T; T:type
DivNoNan(x:T, y:T) -> z:T; T:type
DynamicPartition(data:T, partitions:int32) -> outputs:num_partitions*T; num_partitions:int, T:type
DynamicStitch(indices:N*int32, data:N*T) -> merged:T; N:int, T:type
EagerPyFunc!(input:Tin) -> output:Tout; token:string, is_async:bool=false, Tin:list(type), Tout:list(type)
Eig(input:T) -> e:Tout, v:Tout; compute_v:bool=true, T:type, Tout:type
Einsum(inputs:N*T) -> output:T; equation:string, N:int, T:type
Elu(features:T) -> activations:T; T:type
EmptyTensorList(element_shape:shape_type, max_num_elements:int32) -> handle:variant; element_dtype:type, shape_type:type
EncodeBase64(input:string) -> output:string; pad:bool=false
EncodeJpeg(image:uint8) -> contents:string; format:string="", quality:int=95, progressive:bool=false, optimize_size:bool=false, chroma_downsampling:bool=true, density_unit:string="in", x_density:int=300, y_density:int=300, xmp_metadata:string=""
EncodePng(image:T) -> contents:string; compression:int=-1, T:type=uint8
EnsureShape(input:T) -> output:T; shape:shape, T:type
Enter(data:T) -> output:T; T:type, frame_name:string, is_constant:bool=false, parallel_iterations:int=10
Equal(x:T, y:T) -> z:bool; T:type, incompatible_shape_error:bool=true
Erf(x:T) -> y:T; T:type
Erfc(x:T) -> y:T; T:type
Erfinv(x:T) -> y:T; T:type
Exit(data:T) -> output:T; T:type
Exp(x:T) -> y:T; T:type
ExpandDims(input:T, dim:Tdim) -> output:T; T:type, Tdim:type=int32
Expm1(x:T) -> y:T; T:type
ExtractImagePatches(images:T) -> patches:T; ksizes:list(int), strides:list(int), rates:list(int), T:type, padding:string
FFT(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
FFT2D(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
FFT3D(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
FakeQuantWithMinMaxArgs(inputs:float) -> outputs:float; min:float=-6.0, max:float=6.0, num_bits:int=8, narrow_range:bool=false
FakeQuantWithMinMaxArgsGradient(gradients:float, inputs:float) -> backprops:float; min:float=-6.0, max:float=6.0, num_bits:int=8, narrow_range:bool=false
FakeQuantWithMinMaxVars(inputs:float, min:float, max:float) -> outputs:float; num_bits:int=8, narrow_range:bool=false
FakeQuantWithMinMaxVarsGradient(gradients:float, inputs:float, min:float, max:float) -> backprops_wrt_input:float, backprop_wrt_min:float, backprop_wrt_max:float; num_bits:int=8, narrow_range:bool=false
FakeQuantWithMinMaxVarsPerChannel(inputs:float, min:float, max:float) -> outputs:float; num_bits:int=8, narrow_range:bool=false
FakeQuantWithMinMaxVarsPerChannelGradient(gradients:float, inputs:float, min:float, max:float) -> backprops_wrt_input:float, backprop_wrt_min:float, backprop_wrt_max:float; num_bits:int=8, narrow_range:bool=false
Fill(dims:index_type, value:T) -> output:T; T:type, index_type:type=int32
Floor(x:T) -> y:T; T:type
FloorDiv(x:T, y:T) -> z:T; T:type
FloorMod(x:T, y:T) -> z:T; T:type
FusedBatchNorm(x:T, scale:T, offset:T, mean:T, variance:T) -> y:T, batch_mean:T, batch_variance:T, reserve_space_1:T, reserve_space_2:T; T:type, epsilon:float=1e-04, exponential_avg_factor:float=1.0, data_format:string="NHWC", is_training:bool=true
FusedBatchNormV2(x:T, scale:U, offset:U, mean:U, variance:U) -> y:T, batch_mean:U, batch_variance:U, reserve_space_1:U, reserve_space_2:U; T:type, U:type, epsilon:float=1e-04, exponential_avg_factor:float=1.0, data_format:string="NHWC", is_training:bool=true
FusedBatchNormV3(x:T, scale:U, offset:U, mean:U, variance:U) -> y:T, batch_mean:U, batch_variance:U, reserve_space_1:U, reserve_space_2:U, reserve_space_3:U; T:type, U:type, epsilon:float=1e-04, exponential_avg_factor:float=1.0, data_format:string="NHWC", is_training:bool=true
GRUBlockCell(x:T, h_prev:T, w_ru:T, w_c:T, b_ru:T, b_c:T) -> r:T, u:T, c:T, h:T; T:type
Gather(params:Tparams, indices:Tindices) -> output:Tparams; validate_indices:bool=true, Tparams:type, Tindices:type
GatherNd(params:Tparams, indices:Tindices) -> output:Tparams; Tparams:type, Tindices:type
GatherV2(params:Tparams, indices:Tindices, axis:Taxis) -> output:Tparams; batch_dims:int=0, Tparams:type, Tindices:type, Taxis:type
Greater(x:T, y:T) -> z:bool; T:type
GreaterEqual(x:T, y:T) -> z:bool; T:type
HSVToRGB(images:T) -> output:T; T:type=float
HashTable!() -> table_handle:&string; container:string="", shared_name:string="", use_node_name_sharing:bool=false, key_dtype:type, value_dtype:type
HashTableV2!() -> table_handle:resource; container:string="", shared_name:string="", use_node_name_sharing:bool=false, key_dtype:type, value_dtype:type
HistogramFixedWidth(values:T, value_range:T, nbins:int32) -> out:dtype; T:type, dtype:type=int32
IFFT(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
IFFT2D(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
IFFT3D(input:Tcomplex) -> output:Tcomplex; Tcomplex:type=complex64
IRFFT(input:Tcomplex, fft_length:int32) -> output:Treal; Treal:type=float, Tcomplex:type=complex64
IRFFT2D(input:Tcomplex, fft_length:int32) -> output:Treal; Treal:type=float, Tcomplex:type=complex64
IRFFT3D(input:Tcomplex, fft_length:int32) -> output:Treal; Treal:type=float, Tcomplex:type=complex64
Identity(input:T) -> output:T; T:type
IdentityN(input:T) -> output:T; T:list(type)
If!(cond:Tcond, input:Tin) -> output:Tout; Tcond:type, Tin:list(type), Tout:list(type), then_branch:func, else_branch:func, output_shapes:list(shape)=[]
Igamma(a:T, x:T) -> z:T; T:type
Imag(input:T) -> output:Tout; T:type=complex64, Tout:type=float
ImageProjectiveTransformV2(images:dtype, transforms:float, output_shape:int32) -> transformed_images:dtype; dtype:type, interpolation:string, fill_mode:string="CONSTANT"
ImageProjectiveTransformV3(images:dtype, transforms:float, output_shape:int32, fill_value:float) -> transformed_images:dtype; dtype:type, interpolation:string, fill_mode:string="CONSTANT"
InTopK(predictions:float, targets:T) -> precision:bool; k:int, T:type=int32
InTopKV2(predictions:float, targets:T, k:T) -> precision:bool; T:type=int32
InitializeTable(table_handle:&string, keys:Tkey, values:Tval) ->; Tkey:type, Tval:type
InitializeTableFromTextFile(table_handle:&string, filename:string) ->; key_index:int, value_index:int, vocab_size:int=-1, delimiter:string="	", offset:int=0
InitializeTableFromTextFileV2!(table_handle:resource, filename:string) ->; key_index:int, value_index:int, vocab_size:int=-1, delimiter:string="	", offset:int=0
InitializeTableV2!(table_handle:resource, keys:Tkey, values:Tval) ->; Tkey:type, Tval:type
Inv(x:T) -> y:T; T:type
Invert(x:T) -> y:T; T:type
InvertPermutation(x:T) -> y:T; T:type=int32
IsFinite(x:T) -> y:bool; T:type
IsInf(x:T) -> y:bool; T:type
IsNan(x:T) -> y:bool; T:type
IsVariableInitialized(ref:&dtype) -> is_initialized:bool; dtype:type
IteratorGetNext!(iterator:resource) -> components:output_types; output_types:list(type), output_shapes:list(shape)
L2Loss(t:T) -> output:T; T:type
LRN(input:T) -> output:T; depth_radius:int=5, bias:float=1.0, alpha:float=1.0, beta:float=0.5, T:type=float
LeakyRelu(features:T) -> activations:T; alpha:float=0.2, T:type=float
LeftShift(x:T, y:T) -> z:T; T:type
Less(x:T, y:T) -> z:bool; T:type
LessEqual(x:T, y:T) -> z:bool; T:type
Lgamma(x:T) -> y:T; T:type
LinSpace(start:T, stop:T, num:Tidx) -> output:T; T:type, Tidx:type=int32
ListDiff(x:T, y:T) -> out:T, idx:out_idx; T:type, out_idx:type=int32
Log(x:T) -> y:T; T:type
Log1p(x:T) -> y:T; T:type
LogMatrixDeterminant(input:T) -> sign:T, log_abs_determinant:T; T:type
LogSoftmax(logits:T) -> logsoftmax:T; T:type
LogicalAnd(x:bool, y:bool) -> z:bool
LogicalNot(x:bool) -> y:bool
LogicalOr(x:bool, y:bool) -> z:bool
LookupTableExport(table_handle:&string) -> keys:Tkeys, values:Tvalues; Tkeys:type, Tvalues:type
LookupTableExportV2!(table_handle:resource) -> keys:Tkeys, values:Tvalues; Tkeys:type, Tvalues:type
LookupTableFind(table_handle:&string, keys:Tin, default_value:Tout) -> values:Tout; Tin:type, Tout:type
LookupTableFindV2!(table_handle:resource, keys:Tin, default_value:Tout) -> values:Tout; Tin:type, Tout:type
LookupTableImport(table_handle:&string, keys:Tin, values:Tout) ->; Tin:type, Tout:type
LookupTableImportV2!(table_handle:resource, keys:Tin, values:Tout) ->; Tin:type, Tout:type
LookupTableInsertV2!(table_handle:resource, keys:Tin, values:Tout) ->; Tin:type, Tout:type
LookupTableSize(table_handle:&string) -> size:int64
LookupTableSizeV2!(table_handle:resource) -> size:int64
LoopCond(input:bool) -> output:bool
LowerBound(sorted_inputs:T, values:T) -> output:out_type; T:type, out_type:type=int32
Lu(input:T) -> lu:T, p:output_idx_type; T:type, output_idx_type:type=int32
MatMul(a:T, b:T) -> product:T; transpose_a:bool=false, transpose_b:bool=false, T:type
MatchingFiles(pattern:string) -> filenames:string
MatrixBandPart(input:T, num_lower:Tindex, num_upper:Tindex) -> band:T; T:type, Tindex:type=int64
MatrixDeterminant(input:T) -> output:T; T:type
MatrixDiag(diagonal:T) -> output:T; T:type
MatrixDiagPart(input:T) -> diagonal:T; T:type
MatrixDiagPartV2(input:T, k:int32, padding_value:T) -> diagonal:T; T:type
MatrixDiagPartV3(input:T, k:int32, padding_value:T) -> diagonal:T; T:type, align:string="RIGHT_LEFT"
MatrixDiagV2(diagonal:T, k:int32, num_rows:int32, num_cols:int32, padding_value:T) -> output:T; T:type
MatrixDiagV3(diagonal:T, k:int32, num_rows:int32, num_cols:int32, padding_value:T) -> output:T; T:type, align:string="RIGHT_LEFT"
MatrixInverse(input:T) -> output:T; adjoint:bool=false, T:type
MatrixSetDiag(input:T, diagonal:T) -> output:T; T:type
MatrixSetDiagV2(input:T, diagonal:T, k:int32) -> output:T; T:type
MatrixSetDiagV3(input:T, diagonal:T, k:int32) -> output:T; T:type, align:string="RIGHT_LEFT"
MatrixSolve(matrix:T, rhs:T) -> output:T; adjoint:bool=false, T:type
MatrixTriangularSolve(matrix:T, rhs:T) -> output:T; lower:bool=true, adjoint:bool=false, T:type
Max(input:T, reduction_indices:Tidx) -> output:T; keep_dims:bool=false, T:type, Tidx:type=int32
MaxPool(input:T) -> output:T; T:type=float, ksize:list(int), strides:list(int), padding:string, explicit_paddings:list(int)=[], data_format:string="NHWC"
MaxPool3D(input:T) -> output:T; ksize:list(int), strides:list(int), padding:string, data_format:string="NDHWC", T:type
MaxPoolV2(input:T, ksize:int32, strides:int32) -> output:T; T:type=float, padding:string, data_format:string="NHWC"
Maximum(x:T, y:T) -> z:T; T:type
Mean(input:T, reduction_indices:Tidx) -> output:T; keep_dims:bool=false, T:type, Tidx:type=int32
Merge(inputs:N*T) -> output:T, value_index:int32; T:type, N:int
MergeV2Checkpoints!(checkpoint_prefixes:string, destination_prefix:string) ->; delete_old_dirs:bool=true, allow_missing_files:bool=false
Min(input:T, reduction_indices:Tidx) -> output:T; keep_dims:bool=false, T:type, Tidx:type=int32
Minimum(x:T, y:T) -> z:T; T:type
MirrorPad(input:T, paddings:Tpaddings) -> output:T; T:type, Tpaddings:type=int32, mode:string
Mod(x:T, y:T) -> z:T; T:type
Mul(x:T, y:T) -> z:T; T:type
MulNoNan(x:T, y:T) -> z:T; T:type
Multinomial!(logits:T, num_samples:int32) -> output:output_dtype; seed:int=0, seed2:int=0, T:type, output_dtype:type=int64
MutableHashTable!() -> table_handle:&string; container:string="", shared_name:string="", use_node_name_sharing:bool=false, key_dtype:type, value_dtype:type
MutableHashTableV2!() -> table_handle:resource; container:string="", shared_name:string="", use_node_name_sharing:bool=false, key_dtype:type, value_dtype:type
Ndtri(x:T) -> y:T; T:type
Neg(x:T) -> y:T; T:type
NextAfter(x1:T, x2:T) -> output:T; T:type=float
NextIteration(data:T) -> output:T; T:type
NoOp() ->
NonMaxSuppression(boxes:float, scores:float, max_output_size:int32) -> selected_indices:int32; iou_threshold:float=0.5
NonMaxSuppressionV2(boxes:T, scores:T, max_output_size:int32, iou_threshold:T_threshold) -> selected_indices:int32; T:type=float, T_threshold:type=float
NonMaxSuppressionV3(boxes:T, scores:T, max_output_size:int32, iou_threshold:T_threshold, score_threshold:T_threshold) -> selected_indices:int32; T:type=float, T_threshold:type=float
NonMaxSuppressionV4(boxes:T, scores:T, max_output_size:int32, iou_threshold:T_threshold, score_threshold:T_threshold) -> selected_indices:int32, valid_outputs:int32; T:type=float, T_threshold:type=float, pad_to_max_output_size:bool=false
NonMaxSuppressionV5(boxes:T, scores:T, max_output_size:int32, iou_threshold:T, score_threshold:T, soft_nms_sigma:T) -> selected_indices:int32, selected_scores:T, valid_outputs:int32; T:type=float, pad_to_max_output_size:bool=false
NotEqual(x:T, y:T) -> z:bool; T:type, incompatible_shape_error:bool=true
OneHot(indices:TI, depth:int32, on_value:T, off_value:T) -> output:T; axis:int=-1, T:type, TI:type=int64
OnesLike(x:T) -> y:T; T:type
OptionalFromValue(components:Toutput_types) -> optional:variant; Toutput_types:list(type)
OptionalGetValue(optional:variant) -> components:output_types; output_types:list(type), output_shapes:list(shape)
OptionalNone() -> optional:variant
Pack(values:N*T) -> output:T; N:int, T:type, axis:int=0
Pad(input:T, paddings:Tpaddings) -> output:T; T:type, Tpaddings:type=int32
PadV2(input:T, paddings:Tpaddings, constant_values:T) -> output:T; T:type, Tpaddings:type=int32
ParallelConcat(values:N*T) -> output:T; N:int, T:type, shape:shape
ParallelDynamicStitch(indices:N*int32, data:N*T) -> merged:T; N:int, T:type
ParseExample(serialized:string, names:string, sparse_keys:Nsparse*string, dense_keys:Ndense*string, dense_defaults:Tdense) -> sparse_indices:Nsparse*int64, sparse_values:sparse_types, sparse_shapes:Nsparse*int64, dense_values:Tdense; Nsparse:int, Ndense:int, sparse_types:list(type), Tdense:list(type), dense_shapes:list(shape)
ParseExampleV2(serialized:string, names:string, sparse_keys:string, dense_keys:string, ragged_keys:string, dense_defaults:Tdense) -> sparse_indices:num_sparse*int64, sparse_values:sparse_types, sparse_shapes:num_sparse*int64, dense_values:Tdense, ragged_values:ragged_value_types, ragged_row_splits:ragged_split_types; Tdense:list(type), num_sparse:int, sparse_types:list(type), ragged_value_types:list(type), ragged_split_types:list(type), dense_shapes:list(shape)
PartitionedCall(args:Tin) -> output:Tout; Tin:list(type), Tout:list(type), f:func, config:string="", config_proto:string="", executor_type:string=""
Placeholder() -> output:dtype; dtype:type, shape:shape=?
PlaceholderV2() -> output:dtype; dtype:type, shape:shape
PlaceholderWithDefault(input:dtype) -> output:dtype; dtype:type, shape:shape
Pow(x:T, y:T) -> z:T; T:type
PreventGradient(input:T) -> output:T; T:type, message:string=""
Print!(input:T, data:U) -> output:T; T:type, U:list(type), message:string="", first_n:int=-1, summarize:int=3
PrintV2!(input:string) ->; output_stream:string="stderr", end:string="\n"
Prod(input:T, reduction_indices:Tidx) -> output:T; keep_dims:bool=false, T:type, Tidx:type=int32
PyFunc!(input:Tin) -> output:Tout; token:string, Tin:list(type), Tout:list(type)
Qr(input:T) -> q:T, r:T; full_matrices:bool=false, T:type
QuantizeAndDequantizeV2(input:T, input_min:T, input_max:T) -> output:T; signed_input:bool=true, num_bits:int=8, range_given:bool=false, T:type, round_mode:string="HALF_TO_EVEN", narrow_range:bool=false, axis:int=-1
RFFT(input:Treal, fft_length:int32) -> output:Tcomplex; Treal:type=float, Tcomplex:type=complex64
RFFT2D(input:Treal, fft_length:int32) -> output:Tcomplex; Treal:type=float, Tcomplex:type=complex64
RFFT3D(input:Treal, fft_length:int32) -> output:Tcomplex; Treal:type=float, Tcomplex:type=complex64
RGBToHSV(images:T) -> output:T; T:type=float
RaggedGather(params_nested_splits:PARAMS_RAGGED_RANK*Tsplits, params_dense_values:Tvalues, indices:Tindices) -> output_nested_splits:OUTPUT_RAGGED_RANK*Tsplits, output_dense_values:Tvalues; Tvalues:type, Tindices:type, Tsplits:type=int64, PARAMS_RAGGED_RANK:int, OUTPUT_RAGGED_RANK:int
RaggedRange(starts:T, limits:T, deltas:T) -> rt_nested_splits:Tsplits, rt_dense_values:T; T:type=int32, Tsplits:type=int64
RaggedTensorFromVariant(encoded_ragged:variant) -> output_nested_splits:output_ragged_rank*Tsplits, output_dense_values:Tvalues; input_ragged_rank:int, output_ragged_rank:int, Tvalues:type, Tsplits:type=int64
RaggedTensorToSparse(rt_nested_splits:RAGGED_RANK*Tsplits, rt_dense_values:T) -> sparse_indices:int64, sparse_values:T, sparse_dense_shape:int64; RAGGED_RANK:int, T:type, Tsplits:type=int64
RaggedTensorToTensor(shape:Tshape, values:T, default_value:T, row_partition_tensors:num_row_partition_tensors*Tindex) -> result:T; T:type, Tindex:type, Tshape:type, num_row_partition_tensors:int, row_partition_types:list(string)
RaggedTensorToVariant(rt_nested_splits:RAGGED_RANK*Tsplits, rt_dense_values:Tvalues) -> encoded_ragged:variant; RAGGED_RANK:int, Tvalues:type, Tsplits:type=int64, batched_input:bool
RandomGamma!(shape:S, alpha:T) -> output:T; seed:int=0, seed2:int=0, S:type, T:type
RandomPoissonV2!(shape:S, rate:R) -> output:dtype; seed:int=0, seed2:int=0, S:type, R:type=double, dtype:type=int64
RandomShuffle!(value:T) -> output:T; seed:int=0, seed2:int=0, T:type
RandomStandardNormal!(shape:T) -> output:dtype; seed:int=0, seed2:int=0, dtype:type, T:type
RandomUniform!(shape:T) -> output:dtype; seed:int=0, seed2:int=0, dtype:type, T:type
RandomUniformInt!(shape:T, minval:Tout, maxval:Tout) -> output:Tout; seed:int=0, seed2:int=0, Tout:type, T:type
Range(start:Tidx, limit:Tidx, delta:Tidx) -> output:Tidx; Tidx:type=int32
Rank(input:T) -> output:int32; T:type
ReadFile(filename:string) -> contents:string
ReadVariableOp!(resource:resource) -> value:dtype; dtype:type
Real(input:T) -> output:Tout; T:type=complex64, Tout:type=float
RealDiv(x:T, y:T) -> z:T; T:type
Reciprocal(x:T) -> y:T; T:type
ReduceJoin(inputs:string, reduction_indices:int32) -> output:string; keep_dims:bool=false, separator:string=""
RefEnter(data:&T) -> output:&T; T:type, frame_name:string, is_constant:bool=false, parallel_iterations:int=10
RefExit(data:&T) -> output:&T; T:type
RefMerge(inputs:N*&T) -> output:&T, value_index:int32; T:type, N:int
RefNextIteration(data:&T) -> output:&T; T:type
RefSwitch(data:&T, pred:bool) -> output_false:&T, output_true:&T; T:type
RegexFullMatch(input:string, pattern:string) -> output:bool
RegexReplace(input:string, pattern:string, rewrite:string) -> output:string; replace_global:bool=true
Relu(features:T) -> activations:T; T:type
Relu6(features:T) -> activations:T; T:type
RemoteCall!(target:string, args:Tin) -> output:Tout; Tin:list(type), Tout:list(type), f:func
Reshape(tensor:T, shape:Tshape) -> output:T; T:type, Tshape:type=int32
ResizeArea(images:T, size:int32) -> resized_images:float; T:type, align_corners:bool=false
ResizeBicubic(images:T, size:int32) -> resized_images:float; T:type, align_corners:bool=false, half_pixel_centers:bool=false
ResizeBilinear(images:T, size:int32) -> resized_images:float; T:type, align_corners:bool=false, half_pixel_centers:bool=false
ResizeNearestNeighbor(images:T, size:int32) -> resized_images:T; T:type, align_corners:bool=false, half_pixel_centers:bool=false
ResourceApplyAdam!(var:resource, m:resource, v:resource, beta1_power:T, beta2_power:T, lr:T, beta1:T, beta2:T, epsilon:T, grad:T) ->; T:type, use_locking:bool=false, use_nesterov:bool=false
ResourceApplyGradientDescent!(var:resource, alpha:T, delta:T) ->; T:type, use_locking:bool=false
ResourceGather!(resource:resource, indices:Tindices) -> output:dtype; batch_dims:int=0, validate_indices:bool=true, dtype:type, Tindices:type
ResourceGatherNd!(resource:resource, indices:Tindices) -> output:dtype; dtype:type, Tindices:type
ResourceScatterAdd!(resource:resource, indices:Tindices, updates:dtype) ->; dtype:type, Tindices:type
ResourceScatterUpdate!(resource:resource, indices:Tindices, updates:dtype) ->; dtype:type, Tindices:type
RestoreV2!(prefix:string, tensor_names:string, shape_and_slices:string) -> tensors:dtypes; dtypes:list(type)
Reverse(tensor:T, dims:bool) -> output:T; T:type
ReverseSequence(input:T, seq_lengths:Tlen) -> output:T; seq_dim:int, batch_dim:int=0, T:type, Tlen:type=int64
ReverseV2(tensor:T, axis:Tidx) -> output:T; Tidx:type=int32, T:type
RightShift(x:T, y:T) -> z:T; T:type
Rint(x:T) -> y:T; T:type
RngReadAndSkip!(resource:resource, alg:int32, delta:uint64) -> value:int64
Roll(input:T, shift:Tshift, axis:Taxis) -> output:T; T:type, Tshift:type, Taxis:type
Round(x:T) -> y:T; T:type
Rsqrt(x:T) -> y:T; T:type
SaveV2!(prefix:string, tensor_names:string, shape_and_slices:string, tensors:dtypes) ->; dtypes:list(type)
ScaleAndTranslate(images:T, size:int32, scale:float, translation:float) -> resized_images:float; T:type, kernel_type:string="lanczos3", antialias:bool=true
ScatterNd(indices:Tindices, updates:T, shape:Tindices) -> output:T; T:type, Tindices:type
SegmentMax(data:T, segment_ids:Tindices) -> output:T; T:type, Tindices:type
SegmentMean(data:T, segment_ids:Tindices) -> output:T; T:type, Tindices:type
SegmentMin(data:T, segment_ids:Tindices) -> output:T; T:type, Tindices:type
SegmentProd(data:T, segment_ids:Tindices) -> output:T; T:type, Tindices:type
SegmentSum(data:T, segment_ids:Tindices) -> output:T; T:type, Tindices:type
Select(condition:bool, t:T, e:T) -> output:T; T:type
SelectV2(condition:bool, t:T, e:T) -> output:T; T:type
SelfAdjointEigV2(input:T) -> e:T, v:T; compute_v:bool=true, T:type
Selu(features:T) -> activations:T; T:type
Shape(input:T) -> output:out_type; T:type, out_type:type=int32
ShapeN(input:N*T) -> output:N*out_type; N:int, T:type, out_type:type=int32
ShardedFilename(basename:string, shard:int32, num_shards:int32) -> filename:string
Sigmoid(x:T) -> y:T; T:type
SigmoidGrad(y:T, dy:T) -> z:T; T:type
Sign(x:T) -> y:T; T:type
Sin(x:T) -> y:T; T:type
Sinh(x:T) -> y:T; T:type
Size(input:T) -> output:out_type; T:type, out_type:type=int32
Slice(input:T, begin:Index, size:Index) -> output:T; T:type, Index:type
Snapshot(input:T) -> output:T; T:type
Softmax(logits:T) -> softmax:T; T:type
SoftmaxCrossEntropyWithLogits(features:T, labels:T) -> loss:T, backprop:T; T:type
Softplus(features:T) -> activations:T; T:type
Softsign(features:T) -> activations:T; T:type
SpaceToBatchND(input:T, block_shape:Tblock_shape, paddings:Tpaddings) -> output:T; T:type, Tblock_shape:type=int32, Tpaddings:type=int32
SpaceToDepth(input:T) -> output:T; T:type, block_size:int, data_format:string="NHWC"
SparseConcat(indices:N*int64, values:N*T, shapes:N*int64) -> output_indices:int64, output_values:T, output_shape:int64; concat_dim:int, N:int, T:type
SparseCross(indices:N*int64, values:sparse_types, shapes:N*int64, dense_inputs:dense_types) -> output_indices:int64, output_values:out_type, output_shape:int64; N:int, hashed_output:bool, num_buckets:int, hash_key:int, sparse_types:list(type), dense_types:list(type), out_type:type, internal_type:type
SparseFillEmptyRows(indices:int64, values:T, dense_shape:int64, default_value:T) -> output_indices:int64, output_values:T, empty_row_indicator:bool, reverse_index_map:int64; T:type
SparseReduceMax(input_indices:int64, input_values:T, input_shape:int64, reduction_axes:int32) -> output:T; keep_dims:bool=false, T:type
SparseReduceSum(input_indices:int64, input_values:T, input_shape:int64, reduction_axes:int32) -> output:T; keep_dims:bool=false, T:type
SparseReorder(input_indices:int64, input_values:T, input_shape:int64) -> output_indices:int64, output_values:T; T:type
SparseReshape(input_indices:int64, input_shape:int64, new_shape:int64) -> output_indices:int64, output_shape:int64
SparseSegmentMean(data:T, indices:Tidx, segment_ids:Tsegmentids) -> output:T; T:type, Tidx:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSegmentMeanWithNumSegments(data:T, indices:Tidx, segment_ids:Tsegmentids, num_segments:Tnumsegments) -> output:T; T:type, Tidx:type=int32, Tnumsegments:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSegmentSqrtN(data:T, indices:Tidx, segment_ids:Tsegmentids) -> output:T; T:type, Tidx:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSegmentSqrtNWithNumSegments(data:T, indices:Tidx, segment_ids:Tsegmentids, num_segments:Tnumsegments) -> output:T; T:type, Tidx:type=int32, Tnumsegments:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSegmentSum(data:T, indices:Tidx, segment_ids:Tsegmentids) -> output:T; T:type, Tidx:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSegmentSumWithNumSegments(data:T, indices:Tidx, segment_ids:Tsegmentids, num_segments:Tnumsegments) -> output:T; T:type, Tidx:type=int32, Tnumsegments:type=int32, Tsegmentids:type=int32, sparse_gradient:bool=false
SparseSlice(indices:int64, values:T, shape:int64, start:int64, size:int64) -> output_indices:int64, output_values:T, output_shape:int64; T:type
SparseSoftmaxCrossEntropyWithLogits(features:T, labels:Tlabels) -> loss:T, backprop:T; T:type, Tlabels:type=int64
SparseTensorDenseMatMul(a_indices:Tindices, a_values:T, a_shape:int64, b:T) -> product:T; T:type, Tindices:type=int64, adjoint_a:bool=false, adjoint_b:bool=false
SparseToDense(sparse_indices:Tindices, output_shape:Tindices, sparse_values:T, default_value:T) -> dense:T; validate_indices:bool=true, T:type, Tindices:type
Split(split_dim:int32, value:T) -> output:num_split*T; num_split:int, T:type
SplitV(value:T, size_splits:Tlen, split_dim:int32) -> output:num_split*T; num_split:int, T:type, Tlen:type=int64
Sqrt(x:T) -> y:T; T:type
Square(x:T) -> y:T; T:type
SquaredDifference(x:T, y:T) -> z:T; T:type
Squeeze(input:T) -> output:T; T:type, squeeze_dims:list(int)=[]
Stack!() -> handle:&string; elem_type:type, stack_name:string=""
StackPopV2!(handle:resource) -> elem:elem_type; elem_type:type
StackPushV2!(handle:resource, elem:T) -> output:T; T:type, swap_memory:bool=false
StackV2!(max_size:int32) -> handle:resource; elem_type:type, stack_name:string=""
StatefulPartitionedCall!(args:Tin) -> output:Tout; Tin:list(type), Tout:list(type), f:func, config:string="", config_proto:string="", executor_type:string=""
StatefulStandardNormalV2!(resource:resource, algorithm:int64, shape:shape_dtype) -> output:dtype; dtype:type=float, shape_dtype:type=int64
StatefulUniform!(resource:resource, algorithm:int64, shape:shape_dtype) -> output:dtype; dtype:type=float, shape_dtype:type=int64
StatelessCase(branch_index:int32, input:Tin) -> output:Tout; Tin:list(type), Tout:list(type), branches:list(func), output_shapes:list(shape)=[]
StatelessIf(cond:Tcond, input:Tin) -> output:Tout; Tcond:type, Tin:list(type), Tout:list(type), then_branch:func, else_branch:func, output_shapes:list(shape)=[]
StatelessRandomGetAlg!() -> alg:int32
StatelessRandomGetKeyCounter(seed:Tseed) -> key:uint64, counter:uint64; Tseed:type=int64
StatelessRandomNormal(shape:T, seed:Tseed) -> output:dtype; dtype:type=float, T:type=int32, Tseed:type=int64
StatelessRandomNormalV2(shape:Tshape, key:uint64, counter:uint64, alg:int32) -> output:dtype; dtype:type=float, Tshape:type=int32
StatelessRandomUniform(shape:T, seed:Tseed) -> output:dtype; dtype:type=float, T:type=int32, Tseed:type=int64
StatelessRandomUniformFullInt(shape:T, seed:Tseed) -> output:dtype; dtype:type=uint64, T:type=int32, Tseed:type=int64
StatelessRandomUniformFullIntV2(shape:Tshape, key:uint64, counter:uint64, alg:int32) -> output:dtype; dtype:type=uint64, Tshape:type=int32
StatelessRandomUniformInt(shape:T, seed:Tseed, minval:dtype, maxval:dtype) -> output:dtype; dtype:type, T:type, Tseed:type=int64
StatelessRandomUniformIntV2(shape:Tshape, key:uint64, counter:uint64, alg:int32, minval:dtype, maxval:dtype) -> output:dtype; dtype:type, Tshape:type=int32
StatelessRandomUniformV2(shape:Tshape, key:uint64, counter:uint64, alg:int32) -> output:dtype; dtype:type=float, Tshape:type=int32
StatelessTruncatedNormal(shape:T, seed:Tseed) -> output:dtype; dtype:type=float, T:type=int32, Tseed:type=int64
StatelessTruncatedNormalV2(shape:Tshape, key:uint64, counter:uint64, alg:int32) -> output:dtype; dtype:type=float, Tshape:type=int32
StatelessWhile(input:T) -> output:T; T:list(type), cond:func, body:func, output_shapes:list(shape)=[], parallel_iterations:int=10
StaticRegexFullMatch(input:string) -> output:bool; pattern:string
StaticRegexReplace(input:string) -> output:string; pattern:string, rewrite:string, replace_global:bool=true
StopGradient(input:T) -> output:T; T:type
StridedSlice(input:T, begin:Index, end:Index, strides:Index) -> output:T; T:type, Index:type, begin_mask:int=0, end_mask:int=0, ellipsis_mask:int=0, new_axis_mask:int=0, shrink_axis_mask:int=0
StridedSliceGrad(shape:Index, begin:Index, end:Index, strides:Index, dy:T) -> output:T; T:type, Index:type, begin_mask:int=0, end_mask:int=0, ellipsis_mask:int=0, new_axis_mask:int=0, shrink_axis_mask:int=0
StringFormat(inputs:T) -> output:string; T:list(type), template:string="%s", placeholder:string="%s", summarize:int=3
StringJoin(inputs:N*string) -> output:string; N:int, separator:string=""
StringLength(input:string) -> output:int32; unit:string="BYTE"
StringLower(input:string) -> output:string; encoding:string=""
StringNGrams(data:string, data_splits:Tsplits) -> ngrams:string, ngrams_splits:Tsplits; separator:string, ngram_widths:list(int), left_pad:string, right_pad:string, pad_width:int, preserve_short_sequences:bool, Tsplits:type=int64
StringSplit(input:string, delimiter:string) -> indices:int64, values:string, shape:int64; skip_empty:bool=true
StringSplitV2(input:string, sep:string) -> indices:int64, values:string, shape:int64; maxsplit:int=-1
StringStrip(input:string) -> output:string
StringToHashBucket(string_tensor:string) -> output:int64; num_buckets:int
StringToHashBucketFast(input:string) -> output:int64; num_buckets:int
StringToHashBucketStrong(input:string) -> output:int64; num_buckets:int, key:list(int)
StringToNumber(string_tensor:string) -> output:out_type; out_type:type=float
StringUpper(input:string) -> output:string; encoding:string=""
Sub(x:T, y:T) -> z:T; T:type
Substr(input:string, pos:T, len:T) -> output:string; T:type, unit:string="BYTE"
Sum(input:T, reduction_indices:Tidx) -> output:T; keep_dims:bool=false, T:type, Tidx:type=int32
Svd(input:T) -> s:T, u:T, v:T; compute_uv:bool=true, full_matrices:bool=false, T:type
Switch(data:T, pred:bool) -> output_false:T, output_true:T; T:type
SymbolicGradient(input:Tin) -> output:Tout; Tin:list(type), Tout:list(type), f:func
Tan(x:T) -> y:T; T:type
Tanh(x:T) -> y:T; T:type
TanhGrad(y:T, dy:T) -> z:T; T:type
TensorArrayGatherV3!(handle:resource, indices:int32, flow_in:float) -> value:dtype; dtype:type, element_shape:shape=?
TensorArrayReadV3!(handle:resource, index:int32, flow_in:float) -> value:dtype; dtype:type
TensorArrayScatterV3!(handle:resource, indices:int32, value:T, flow_in:float) -> flow_out:float; T:type
TensorArraySizeV3!(handle:resource, flow_in:float) -> size:int32
TensorArrayV3!(size:int32) -> handle:resource, flow:float; dtype:type, element_shape:shape=?, dynamic_size:bool=false, clear_after_read:bool=true, identical_element_shapes:bool=false, tensor_array_name:string=""
TensorArrayWriteV3!(handle:resource, index:int32, value:T, flow_in:float) -> flow_out:float; T:type
TensorListConcat(input_handle:variant) -> tensor:element_dtype, lengths:int64; element_dtype:type, element_shape:shape=?
TensorListConcatV2(input_handle:variant, element_shape:shape_type, leading_dims:int64) -> tensor:element_dtype, lengths:int64; element_dtype:type, shape_type:type
TensorListElementShape(input_handle:variant) -> element_shape:shape_type; shape_type:type
TensorListFromTensor(tensor:element_dtype, element_shape:shape_type) -> output_handle:variant; element_dtype:type, shape_type:type
TensorListGather(input_handle:variant, indices:int32, element_shape:int32) -> values:element_dtype; element_dtype:type
TensorListGetItem(input_handle:variant, index:int32, element_shape:int32) -> item:element_dtype; element_dtype:type
TensorListLength(input_handle:variant) -> length:int32
TensorListPopBack(input_handle:variant, element_shape:int32) -> output_handle:variant, tensor:element_dtype; element_dtype:type
TensorListPushBack(input_handle:variant, tensor:element_dtype) -> output_handle:variant; element_dtype:type
TensorListReserve(element_shape:shape_type, num_elements:int32) -> handle:variant; element_dtype:type, shape_type:type
TensorListResize(input_handle:variant, size:int32) -> output_handle:variant
TensorListScatter(tensor:element_dtype, indices:int32, element_shape:shape_type) -> output_handle:variant; element_dtype:type, shape_type:type
TensorListScatterV2(tensor:element_dtype, indices:int32, element_shape:shape_type, num_elements:int32) -> output_handle:variant; element_dtype:type, shape_type:type
TensorListSetItem(input_handle:variant, index:int32, item:element_dtype) -> output_handle:variant; element_dtype:type, resize_if_index_out_of_bounds:bool=false
TensorListStack(input_handle:variant, element_shape:int32) -> tensor:element_dtype; element_dtype:type, num_elements:int=-1
TensorScatterAdd(tensor:T, indices:Tindices, updates:T) -> output:T; T:type, Tindices:type
TensorScatterMax(tensor:T, indices:Tindices, updates:T) -> output:T; T:type, Tindices:type
TensorScatterMin(tensor:T, indices:Tindices, updates:T) -> output:T; T:type, Tindices:type
TensorScatterUpdate(tensor:T, indices:Tindices, updates:T) -> output:T; T:type, Tindices:type
Tile(input:T, multiples:Tmultiples) -> output:T; T:type, Tmultiples:type=int32
TopK(input:T) -> values:T, indices:int32; k:int, sorted:bool=true, T:type
TopKV2(input:T, k:Tk) -> values:T, indices:index_type; sorted:bool=true, T:type, Tk:type=int32, index_type:type=int32
Transpose(x:T, perm:Tperm) -> y:T; T:type, Tperm:type=int32
TruncateDiv(x:T, y:T) -> z:T; T:type
TruncateMod(x:T, y:T) -> z:T; T:type
TruncatedNormal!(shape:T) -> output:dtype; seed:int=0, seed2:int=0, dtype:type, T:type
UnicodeDecode(input:string) -> row_splits:Tsplits, char_values:int32; input_encoding:string, errors:string="replace", replacement_char:int=65533, replace_control_characters:bool=false, Tsplits:type=int64
UnicodeDecodeWithOffsets(input:string) -> row_splits:Tsplits, char_values:int32, char_to_byte_starts:int64; input_encoding:string, errors:string="replace", replacement_char:int=65533, replace_control_characters:bool=false, Tsplits:type=int64
UnicodeEncode(input_values:int32, input_splits:Tsplits) -> output:string; errors:string="replace", output_encoding:string, replacement_char:int=65533, Tsplits:type=int64
UnicodeTranscode(input:string) -> output:string; input_encoding:string, output_encoding:string, errors:string="replace", replacement_char:int=65533, replace_control_characters:bool=false
Unique(x:T) -> y:T, idx:out_idx; T:type, out_idx:type=int32
UniqueV2(x:T, axis:Taxis) -> y:T, idx:out_idx; T:type, Taxis:type=int64, out_idx:type=int32
UniqueWithCounts(x:T) -> y:T, idx:out_idx, count:out_idx; T:type, out_idx:type=int32
Unpack(value:T) -> output:num*T; num:int, T:type, axis:int=0
UnravelIndex(indices:Tidx, dims:Tidx) -> output:Tidx; Tidx:type=int32
UnsortedSegmentJoin(inputs:string, segment_ids:Tindices, num_segments:Tnumsegments) -> output:string; separator:string="", Tindices:type, Tnumsegments:type=int32
UnsortedSegmentMax(data:T, segment_ids:Tindices, num_segments:Tnumsegments) -> output:T; T:type, Tindices:type, Tnumsegments:type=int32
UnsortedSegmentMin(data:T, segment_ids:Tindices, num_segments:Tnumsegments) -> output:T; T:type, Tindices:type, Tnumsegments:type=int32
UnsortedSegmentProd(data:T, segment_ids:Tindices, num_segments:Tnumsegments) -> output:T; T:type, Tindices:type, Tnumsegments:type=int32
UnsortedSegmentSum(data:T, segment_ids:Tindices, num_segments:Tnumsegments) -> output:T; T:type, Tindices:type, Tnumsegments:type=int32
UpperBound(sorted_inputs:T, values:T) -> output:out_type; T:type, out_type:type=int32
VarHandleOp!() -> resource:resource; container:string="", shared_name:string="", debug_name:string="", dtype:type, shape:shape, allowed_devices:list(string)=[]
VarIsInitializedOp!(resource:resource) -> is_initialized:bool
Variable!() -> ref:&dtype; shape:shape, dtype:type, container:string="", shared_name:string=""
VariableShape!(input:resource) -> output:out_type; out_type:type=int32
VariableV2!() -> ref:&dtype; shape:shape, dtype:type, container:string="", shared_name:string=""
Where(input:T) -> index:int64; T:type=bool
While!(input:T) -> output:T; T:list(type), cond:func, body:func, output_shapes:list(shape)=[], parallel_iterations:int=10
WriteFile!(filename:string, contents:string) ->
Xdivy(x:T, y:T) -> z:T; T:type
Xlog1py(x:T, y:T) -> z:T; T:type
Xlogy(x:T, y:T) -> z:T; T:type
ZerosLike(x:T) -> y:T; T:type
Zeta(x:T, q:T) -> z:T; T:type
"##;
