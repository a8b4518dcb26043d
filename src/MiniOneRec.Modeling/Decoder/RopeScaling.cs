using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Describes how rotary frequencies are stretched beyond the length that a model was first trained at.</summary>
/// <remarks>The Llama-3 rule: low frequencies are divided, high ones kept, those between interpolated. The linear rule divides
/// all.</remarks>
/// <param name="Factor">What low frequencies are divided by.</param>
/// <param name="LowFrequencyFactor">Wavelengths above <c>OriginalMaxPositions / LowFrequencyFactor</c> count as low.</param>
/// <param name="HighFrequencyFactor">Wavelengths below <c>OriginalMaxPositions / HighFrequencyFactor</c> count as high.</param>
/// <param name="OriginalMaxPositions">The length that the model was first trained at.</param>
public sealed record RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalMaxPositions)
{
    /// <summary>Gets whether all frequencies are divided alike; the other figures then count for nothing.</summary>
    public bool IsLinear { get; private init; }

    /// <summary>Makes the linear rule.</summary>
    /// <param name="factor">What all frequencies are divided by.</param>
    public static RopeScaling Linear(double factor) => new(factor, 1, 4, 8_192) { IsLinear = true };

    /// <summary>Scales one inverse frequency.</summary>
    /// <param name="frequency">Radians per position.</param>
    public double Apply(double frequency)
    {
        if (IsLinear)
        {
            return frequency / Factor;
        }

        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < OriginalMaxPositions / HighFrequencyFactor)
        {
            return frequency;
        }

        if (wavelength > OriginalMaxPositions / LowFrequencyFactor)
        {
            return frequency / Factor;
        }

        double smooth = (OriginalMaxPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - smooth) * frequency / Factor + smooth * frequency;
    }

    /// <summary>Checks the figures.</summary>
    /// <exception cref="InvalidDataException">A figure makes no sense; the message names its key.</exception>
    internal void Validate(string source)
    {
        string? problem = !(Factor > 0 && double.IsFinite(Factor)) ? $"rope factor is {Factor}; expected a number above 0"
            : IsLinear ? null
            : !(LowFrequencyFactor > 0 && double.IsFinite(LowFrequencyFactor))
                ? $"rope low_freq_factor is {LowFrequencyFactor}; expected a number above 0"
            : !(HighFrequencyFactor > LowFrequencyFactor && double.IsFinite(HighFrequencyFactor))
                ? $"rope high_freq_factor is {HighFrequencyFactor}; expected more than low_freq_factor {LowFrequencyFactor}"
            : OriginalMaxPositions < 1 ? $"rope original_max_position_embeddings is {OriginalMaxPositions}; expected at least 1"
            : null;
        if (problem is not null)
        {
            throw new InvalidDataException($"'{source}': {problem}.");
        }
    }

    /// <summary>Reads base and rule: <c>rope_parameters</c> first, then <c>rope_scaling</c>, then the top-level <c>rope_theta</c> of older
    /// files.</summary>
    /// <exception cref="InvalidDataException">The rule is unknown, or the two objects contradict each other.</exception>
    internal static (double Theta, RopeScaling? Rule) Read(ConfigReader config, ICollection<string>? notes)
    {
        double theta = config.Number("rope_theta", 10_000);
        var newer = config.Object("rope_parameters");
        var older = config.Object("rope_scaling");
        if (newer is null && older is null)
        {
            return (theta, null);
        }

        var read = Rule((newer ?? older)!.Value, newer is null ? "rope_scaling" : "rope_parameters");
        if (newer is not null && older is not null && Rule(older.Value, "rope_scaling") is var other && other.Rule != read.Rule)
        {
            throw config.Bad("rope_scaling", older.Value.Root, "the same rule as in rope_parameters, or none");
        }

        return read;

        (double Theta, RopeScaling? Rule) Rule(ConfigReader reader, string name)
        {
            DecoderConfigKeys.Rope.Check(reader, notes, name + ".");
            return (reader.Number("rope_theta", theta), From(reader));
        }
    }

    private static RopeScaling? From(ConfigReader reader)
    {
        string type = reader.Text("rope_type", reader.Text("type", "default"));
        return type switch
        {
            "default" => null,
            "linear" => Linear(reader.Number("factor")),
            "llama3" => new RopeScaling(
                reader.Number("factor", 8), reader.Number("low_freq_factor", 1), reader.Number("high_freq_factor", 4),
                reader.Integer("original_max_position_embeddings", 8_192)),
            _ => throw new InvalidDataException(
                $"'{reader.Source}': rope type '{type}' is not supported; expected default, linear or llama3."),
        };
    }

    internal JsonObject ToJson() => IsLinear
        ? new() { ["rope_type"] = "linear", ["factor"] = Factor }
        : new()
        {
            ["rope_type"] = "llama3",
            ["factor"] = Factor,
            ["low_freq_factor"] = LowFrequencyFactor,
            ["high_freq_factor"] = HighFrequencyFactor,
            ["original_max_position_embeddings"] = OriginalMaxPositions,
        };
}
