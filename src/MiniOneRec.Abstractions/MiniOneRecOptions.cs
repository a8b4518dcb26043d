using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec;

/// <summary>Holds the settings that all stages share.</summary>
public sealed class MiniOneRecOptions
{
    /// <summary>Gets or sets the device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <value>The default is <c>cpu</c>.</value>
    [Required]
    [RegularExpression("^(cpu|cuda(:[0-9]+)?)$", ErrorMessage = "Device must be 'cpu', 'cuda' or 'cuda:N'.")]
    public string Device { get; set; } = "cpu";

    /// <summary>Gets or sets the seed that every stage reads once when it starts.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;
}

[OptionsValidator]
internal sealed partial class MiniOneRecOptionsValidator : IValidateOptions<MiniOneRecOptions>;
