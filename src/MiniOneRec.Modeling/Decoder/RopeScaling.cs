using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>The Llama-3 rule: low rotary frequencies are divided, high ones kept, those between interpolated.</summary>
/// <param name="Factor">What low frequencies are divided by.</param>
/// <param name="LowFrequencyFactor">Wavelengths above <c>OriginalMaxPositions / LowFrequencyFactor</c> count as low.</param>
/// <param name="HighFrequencyFactor">Wavelengths below <c>OriginalMaxPositions / HighFrequencyFactor</c> count as high.</param>
/// <param name="OriginalMaxPositions">The length that the model was first trained at.</param>
public sealed record RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalMaxPositions)
{
    /// <summary>Scales one inverse frequency.</summary>
    /// <param name="frequency">Radians per position.</param>
    public double Apply(double frequency)
    {
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

    internal static RopeScaling? From(ConfigReader? reader, string source)
    {
        if (reader is null)
        {
            return null;
        }

        string type = reader.Value.Text("rope_type", reader.Value.Text("type", "default"));
        return type switch
        {
            "default" => null,
            "llama3" => new RopeScaling(
                reader.Value.Number("factor", 8), reader.Value.Number("low_freq_factor", 1), reader.Value.Number("high_freq_factor", 4),
                reader.Value.Integer("original_max_position_embeddings", 8_192)),
            _ => throw new InvalidDataException($"'{source}': rope type '{type}' is not supported; expected default or llama3."),
        };
    }

    internal JsonObject ToJson() => new()
    {
        ["rope_type"] = "llama3",
        ["factor"] = Factor,
        ["low_freq_factor"] = LowFrequencyFactor,
        ["high_freq_factor"] = HighFrequencyFactor,
        ["original_max_position_embeddings"] = OriginalMaxPositions,
    };
}
