using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MiniOneRec.Experiments;

/// <summary>One finished run, as its JSON file holds it.</summary>
public sealed record RunRecord
{
    /// <summary>The layout of the file.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Gets the layout of the file.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the experiment, for example <c>quality</c>.</summary>
    public required string Experiment { get; init; }

    /// <summary>Gets the run's name within the experiment, for example <c>Office_Products-42</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets everything that the figures depend on besides the code.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>Gets the commit that the program was built from, or <see langword="null"/> where it is not known.</summary>
    public string? Revision { get; init; }

    /// <summary>Gets the machine.</summary>
    public required MachineRecord Machine { get; init; }

    /// <summary>Gets how long the run took.</summary>
    public double Seconds { get; init; }

    /// <summary>Gets the figures by name; a figure that is no number is left out.</summary>
    public required IReadOnlyDictionary<string, double> Figures { get; init; }

    /// <summary>Gets points of a training, each with <c>step</c> and figures; empty where nothing was followed.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, double>> Curve { get; init; } = [];

    /// <summary>Gets the JSON settings: names in lower case, indented, in the order of the properties.</summary>
    [JsonIgnore]
    internal static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };
}

/// <summary>The machine of a run.</summary>
/// <param name="Processor">The processor's name.</param>
/// <param name="Threads">How many threads the tensor library used.</param>
/// <param name="Device">The device.</param>
/// <param name="System">The operating system.</param>
public sealed record MachineRecord(string Processor, int Threads, string Device, string System)
{
    /// <summary>Describes this machine.</summary>
    /// <param name="device">The device that the run used.</param>
    public static MachineRecord Describe(string device = "cpu")
    {
        const string Cpu = "/proc/cpuinfo";
        string? line = File.Exists(Cpu)
            ? File.ReadLines(Cpu).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal)) : null;
        return new MachineRecord(
            line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString(),
            TorchSharp.torch.get_num_threads(), device, RuntimeInformation.OSDescription);
    }
}
