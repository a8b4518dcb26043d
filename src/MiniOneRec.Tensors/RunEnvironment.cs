using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>What the last bits of a result depend on besides seed, data and options.</summary>
/// <param name="Threads">The threads within an operation; sums are split among them.</param>
/// <param name="Cpu">The instruction set that libtorch's kernels use: <c>avx512</c>, <c>avx2</c> or <c>default</c>.</param>
/// <param name="Torch">The version of TorchSharp.</param>
internal sealed record RunEnvironment(int Threads, string Cpu, string Torch)
{
    /// <summary>Gets the environment of this process.</summary>
    public static RunEnvironment Current() =>
        new(get_num_threads(), Capability(), typeof(TorchSharp.torch).Assembly.GetName().Version?.ToString(3) ?? "");

    /// <summary>Reads what <see cref="ToJson"/> wrote, or returns <see langword="null"/> where it is missing or something else.</summary>
    public static RunEnvironment? From(JsonNode? json) =>
        json is JsonObject o && o["threads"] is JsonValue threads && threads.TryGetValue(out int count) && o["cpu"] is JsonValue cpu
            && cpu.TryGetValue(out string? name)
            && o["torch"] is JsonValue torch && torch.TryGetValue(out string? version)
            ? new RunEnvironment(count, name, version)
            : null;

    public JsonObject ToJson() => new() { ["threads"] = Threads, ["cpu"] = Cpu, ["torch"] = Torch };

    /// <inheritdoc/>
    public override string ToString() => $"{Threads} threads, {Cpu}, TorchSharp {Torch}";

    // libtorch takes the widest set that the processor has, unless this variable names a narrower one.
    private static string Capability()
    {
        string widest = Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported ? "avx512"
            : Avx2.IsSupported && Fma.IsSupported ? "avx2"
            : "default";
        return Environment.GetEnvironmentVariable("ATEN_CPU_CAPABILITY") is { Length: > 0 } chosen ? chosen : widest;
    }
}
