using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Calls ATen operators that TorchSharp does not expose, through libtorch's stable C ABI.</summary>
/// <remarks>
/// All schema arguments in order, defaults included; results overwrite the stack from slot 0. A failure's reason goes to stderr only, so
/// callers validate shapes first. <c>Opt</c> relies on <c>delete</c> being <c>free</c>, as it is with glibc. No operator with text among
/// its arguments may go through the dispatcher: libtorch 2.10 copies each text and never frees the copy. The two that are needed have C
/// functions of their own.
/// </remarks>
internal static unsafe class Aten
{
    private const string Library = "torch_cpu";
    private const ulong Abi = (2UL << 56) | (10UL << 48);

    /// <summary>In-place AdamW over lists of tensors; float32 or bfloat16, one shared float32 0-dim step.</summary>
    public static void FusedAdamW(
        IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> firstMoments,
        IReadOnlyList<Tensor> secondMoments,
        Tensor step, double learningRate, double beta1, double beta2, double weightDecay, double epsilon, Tensor? gradientDivisor = null)
    {
        var steps = Enumerable.Repeat(step, parameters.Count).ToArray();
        Span<ulong> stack =
        [
            List(parameters), List(gradients), List(firstMoments), List(secondMoments), List([]), List(steps),
            Float(learningRate), Float(beta1), Float(beta2), Float(weightDecay), Float(epsilon),
            0, 0, gradientDivisor is null ? 0 : Opt(Handle(gradientDivisor)), 0,    // amsgrad, maximize, grad_scale, found_inf
        ];
        Call("aten::_fused_adamw_\0"u8, "\0"u8, stack);

        // The kernel does not count its writes; code that caches copies of weights compares the counter to detect changes.
        foreach (var parameter in parameters)
        {
            using var flat = parameter.view(-1);
            using var nothing = flat.narrow(0, 0, 0);
            nothing.zero_();
        }
    }

    /// <summary>Scaled dot-product attention with scale and grouped-query options.</summary>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale,
        bool groupedQuery)
    {
        Span<ulong> stack =
        [
            Handle(query), Handle(key), Handle(value), mask is null ? 0 : Opt(Handle(mask)), Float(0), causal ? 1u : 0u,
            scale is null ? 0 : Opt(Float(scale.Value)), groupedQuery ? 1u : 0u,
        ];
        Call("aten::scaled_dot_product_attention\0"u8, "\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Computes <c>x / rms(x) ⊙ w</c> over the last axis; one kernel on an accelerator.</summary>
    /// <param name="x"><c>[…, D]</c>.</param>
    /// <param name="weight">w, <c>[D]</c>.</param>
    /// <param name="epsilon">Is added to the mean square.</param>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        _ = torch_new_list_reserve_size(1, out IntPtr shape);
        _ = torch_list_push_back(shape, (ulong)weight.size(0));
        Span<ulong> stack = [Handle(x), (ulong)shape, Opt(Handle(weight)), Opt(Float(epsilon))];
        Call("aten::rms_norm\0"u8, "\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Reinterprets the bytes of a tensor as another type.</summary>
    public static Tensor ViewAs(Tensor tensor, ScalarType type)
    {
        Span<ulong> stack = [Handle(tensor), (ulong)(int)type];
        Call("aten::view\0"u8, "dtype\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Copies a weight into the layout in which oneDNN multiplies by it.</summary>
    /// <param name="weight"><c>[out, in]</c>, contiguous, float32 or bfloat16, on the CPU.</param>
    /// <returns>An opaque tensor for <see cref="PackedLinear(Tensor, Tensor, Tensor?, LinearFunction)"/>.</returns>
    public static Tensor PackLinear(Tensor weight)
    {
        Span<ulong> stack = [Handle(weight), 0];                                // batch size unknown
        Call("mkldnn::_reorder_linear_weight\0"u8, "\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Computes <c>f(x Wᵀ + b)</c> with oneDNN; no gradient.</summary>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <param name="weight">W, packed or plain and contiguous.</param>
    /// <param name="bias">b, or <see langword="null"/>.</param>
    /// <param name="function">f.</param>
    public static Tensor PackedLinear(Tensor x, Tensor weight, Tensor? bias, LinearFunction function = LinearFunction.None)
    {
        fixed (byte* name = function == LinearFunction.Silu ? "swish\0"u8 : "none\0"u8)
        {
            IntPtr biasHandle = bias?.Handle ?? 0;
            double* noScalars = null;
            int error = aoti_torch_cpu__linear_pointwise(
                x.Handle, weight.Handle, bias is null ? null : &biasHandle, name, &noScalars, 0, null, out IntPtr result);
            return Result(error, result, "mkldnn::_linear_pointwise", x, weight, bias);
        }
    }

    /// <summary>Computes <c>(x Wᵀ + b) ∘ other</c> with oneDNN; no gradient.</summary>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <param name="other"><c>[N, out]</c>, contiguous.</param>
    /// <param name="weight">W, packed or plain and contiguous.</param>
    /// <param name="bias">b, or <see langword="null"/>.</param>
    /// <param name="operation">∘.</param>
    public static Tensor PackedLinear(Tensor x, Tensor other, Tensor weight, Tensor? bias, LinearOperation operation)
    {
        fixed (byte* name = operation == LinearOperation.Add ? "add\0"u8 : "mul\0"u8)
        {
            IntPtr biasHandle = bias?.Handle ?? 0;
            int error = aoti_torch_cpu__linear_pointwise_binary(
                x.Handle, other.Handle, weight.Handle, bias is null ? null : &biasHandle, name, out IntPtr result);
            return Result(error, result, "mkldnn::_linear_pointwise.binary", x, other, weight, bias);
        }
    }

    /// <summary>Copies 8-bit weights into the layout in which oneDNN multiplies by them.</summary>
    /// <param name="weight"><c>[out, in]</c>, contiguous, int8, on the CPU.</param>
    /// <returns>An opaque tensor for <see cref="QuantizedLinear"/>.</returns>
    public static Tensor PackInt8(Tensor weight)
    {
        Span<ulong> stack = [Handle(weight), 0];                                // number of rows unknown
        Call("onednn::qlinear_prepack\0"u8, "\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Computes <c>(x − z) Wᵀ ⊙ s</c> with oneDNN in 8-bit integers, summed in 32 bits; no gradient.</summary>
    /// <param name="x"><c>[N, in]</c>, uint8.</param>
    /// <param name="one">1, float32, <c>[1]</c>.</param>
    /// <param name="zero">z, int32, <c>[1]</c>.</param>
    /// <param name="weight">W, packed by <see cref="PackInt8"/>.</param>
    /// <param name="scales">s, one per row of W, float32, <c>[out]</c>.</param>
    /// <param name="weightZeros">Zeros, int32, <c>[out]</c>.</param>
    /// <returns><c>[N, out]</c>, float32.</returns>
    public static Tensor QuantizedLinear(Tensor x, Tensor one, Tensor zero, Tensor weight, Tensor scales, Tensor weightZeros)
    {
        fixed (byte* name = "none\0"u8, algorithm = "\0"u8)
        {
            int type = (int)ScalarType.Float32;
            double* noScalars = null;
            int error = aoti_torch_cpu__qlinear_pointwise_tensor(
                x.Handle, one.Handle, zero.Handle, weight.Handle, scales.Handle, weightZeros.Handle, null, 1, 0, &type, name, &noScalars,
                0, algorithm, out IntPtr result);
            return Result(error, result, "onednn::qlinear_pointwise", x, one, zero, weight, scales, weightZeros);
        }
    }

    /// <summary>Computes <c>x Wᵀ</c> in 8-bit integers, summed in 32 bits; no gradient.</summary>
    /// <param name="x"><c>[N, in]</c>, int8, contiguous.</param>
    /// <param name="weight">W, <c>[out, in]</c>, int8, contiguous.</param>
    /// <returns><c>[N, out]</c>, int32.</returns>
    public static Tensor Int8Products(Tensor x, Tensor weight)
    {
        using var transposed = weight.t();
        Span<ulong> stack = [Handle(x), Handle(transposed)];
        Call("aten::_int_mm\0"u8, "\0"u8, stack);
        return Tensor.UnsafeCreateTensor((IntPtr)stack[0]);
    }

    /// <summary>Gets how often a tensor was written in place.</summary>
    public static long VersionOf(Tensor tensor)
    {
        Span<ulong> stack = [Handle(tensor)];
        Call("aten::_version\0"u8, "\0"u8, stack);
        return (long)stack[0];
    }

    /// <summary>Gets the size of the memory that a tensor is a view of.</summary>
    public static long StorageBytes(Tensor tensor)
    {
        int error = aoti_torch_get_storage_size(tensor.Handle, out long bytes);
        GC.KeepAlive(tensor);
        return error == 0 ? bytes : throw new InvalidOperationException("The tensor has no storage.");
    }

    /// <summary>Gets the address of a tensor's first value, on its device; the tensor must outlive its use.</summary>
    public static IntPtr DataPointer(Tensor tensor)
    {
        int error = aoti_torch_get_data_ptr(tensor.Handle, out IntPtr pointer);
        GC.KeepAlive(tensor);
        return error == 0 ? pointer : throw new InvalidOperationException("The tensor has no storage.");
    }

    private static ulong Handle(Tensor tensor)
    {
        _ = aoti_torch_new_tensor_handle(tensor.Handle, out IntPtr owned);
        GC.KeepAlive(tensor);
        return (ulong)owned;
    }

    private static ulong Float(double value) => BitConverter.DoubleToUInt64Bits(value);

    private static ulong Opt(ulong value)
    {
        ulong* pointer = (ulong*)NativeMemory.Alloc(8);
        *pointer = value;
        return (ulong)pointer;
    }

    private static ulong List(IReadOnlyList<Tensor> tensors)
    {
        _ = torch_new_list_reserve_size((nuint)tensors.Count, out IntPtr list);
        foreach (var tensor in tensors)
        {
            _ = torch_list_push_back(list, Handle(tensor));
        }

        return (ulong)list;
    }

    // The arguments were lent, and must live until the call is over.
    private static Tensor Result(int error, IntPtr result, string name, params ReadOnlySpan<Tensor?> lent)
    {
        foreach (var tensor in lent)
        {
            GC.KeepAlive(tensor);
        }

        return error == 0
            ? Tensor.UnsafeCreateTensor(result)
            : throw new InvalidOperationException($"{name} failed; libtorch wrote the reason to stderr.");
    }

    private static void Call(ReadOnlySpan<byte> name, ReadOnlySpan<byte> overload, Span<ulong> stack)
    {
        fixed (byte* namePointer = name, overloadPointer = overload)
        fixed (ulong* stackPointer = stack)
        {
            if (torch_call_dispatcher(namePointer, overloadPointer, stackPointer, Abi) != 0)
            {
                throw new InvalidOperationException($"{Encoding.ASCII.GetString(name[..^1])} failed; libtorch wrote the reason to stderr.");
            }
        }
    }

    [DllImport(Library)]
    private static extern int torch_call_dispatcher(byte* name, byte* overload, ulong* stack, ulong abi);

    [DllImport(Library)]
    private static extern int aoti_torch_new_tensor_handle(IntPtr tensor, out IntPtr owned);

    [DllImport(Library)]
    private static extern int aoti_torch_get_storage_size(IntPtr tensor, out long bytes);

    [DllImport(Library)]
    private static extern int aoti_torch_get_data_ptr(IntPtr tensor, out IntPtr pointer);

    [DllImport(Library)]
    private static extern int torch_new_list_reserve_size(nuint size, out IntPtr list);

    [DllImport(Library)]
    private static extern int torch_list_push_back(IntPtr list, ulong value);

    [DllImport(Library)]
    private static extern int aoti_torch_cpu__linear_pointwise(
        IntPtr x, IntPtr weight, IntPtr* bias, byte* function, double** scalars, long scalarCount, byte** algorithm, out IntPtr result);

    [DllImport(Library)]
    private static extern int aoti_torch_cpu__qlinear_pointwise_tensor(
        IntPtr x, IntPtr scale, IntPtr zero, IntPtr weight, IntPtr weightScales, IntPtr weightZeros, IntPtr* bias, double outputScale,
        long outputZero, int* outputType, byte* function, double** scalars, long scalarCount, byte* algorithm, out IntPtr result);

    [DllImport(Library)]
    private static extern int aoti_torch_cpu__linear_pointwise_binary(
        IntPtr x, IntPtr other, IntPtr weight, IntPtr* bias, byte* operation, out IntPtr result);
}

/// <summary>Names what is applied to a product as it is written.</summary>
internal enum LinearFunction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>x · sigmoid(x).</summary>
    Silu,
}

/// <summary>Names what joins a product and another matrix as it is written.</summary>
internal enum LinearOperation
{
    /// <summary>Their sum.</summary>
    Add,

    /// <summary>Their product, element by element.</summary>
    Multiply,
}
