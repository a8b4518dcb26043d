using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>Specifies how the vectors of a text's tokens become one vector.</summary>
public enum TextPooling
{
    /// <summary>The mean over the tokens of the text, the special ones included.</summary>
    Mean,

    /// <summary>The vector of the first token.</summary>
    Cls,

    /// <summary>The vector of the last token.</summary>
    LastToken,
}

/// <summary>Configures <see cref="OnnxTextEncoder"/>. What is <see langword="null"/> follows the folder's files.</summary>
public sealed class OnnxTextEncoderOptions
{
    /// <summary>Gets or sets the pooling.</summary>
    /// <value>The default is <see langword="null"/>: what the folder says, and the mean where it says nothing.</value>
    public TextPooling? Pooling { get; set; }

    /// <summary>Gets or sets whether vectors are scaled to unit length.</summary>
    /// <value>The default is <see langword="null"/>: what the folder says, and <see langword="true"/> without a folder.</value>
    public bool? Normalise { get; set; }

    /// <summary>Gets or sets how many tokens of a text count, the special ones included; the rest is cut off.</summary>
    /// <value>The default is <see langword="null"/>: what the folder says, and 256 where it says nothing.</value>
    [Range(3, 1 << 20)]
    public int? MaxTokens { get; set; }

    /// <summary>Gets or sets whether text is lower-cased and accents are removed.</summary>
    /// <value>The default is <see langword="null"/>: what the folder says, and <see langword="true"/> where it says nothing.</value>
    public bool? LowerCase { get; set; }

    /// <summary>Gets or sets how many texts the model computes at once.</summary>
    /// <value>The default is 32.</value>
    [Range(1, 1 << 16)]
    public int BatchSize { get; set; } = 32;

    /// <summary>Gets or sets how many tokens, padding included, the model computes at once; longer texts come in smaller batches.</summary>
    /// <value>The default is 4,096.</value>
    [Range(1, 1 << 24)]
    public int MaxBatchTokens { get; set; } = 4096;

    /// <summary>Gets or sets the threads of the model, 0 for one per core.</summary>
    /// <value>The default is 0.</value>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>Gets or sets the model's file below the folder.</summary>
    /// <value>The default is <see langword="null"/>: <c>model.onnx</c> or <c>onnx/model.onnx</c>.</value>
    public string? ModelFile { get; set; }
}

[OptionsValidator]
internal sealed partial class OnnxTextEncoderOptionsValidator : IValidateOptions<OnnxTextEncoderOptions>;
