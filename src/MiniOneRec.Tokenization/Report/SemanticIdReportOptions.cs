using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="SemanticIdReport"/>.</summary>
public sealed class SemanticIdReportOptions
{
    /// <summary>Gets or sets how many nearest items make a neighbourhood.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1000)]
    public int Neighbours { get; set; } = 10;

    /// <summary>Gets or sets the most items whose neighbourhoods are compared, evenly spread over the rows; each is compared with all
    /// items.</summary>
    /// <value>The default is 20,000.</value>
    [Range(1, int.MaxValue)]
    public int MaxQueries { get; set; } = 20_000;
}

[OptionsValidator]
internal sealed partial class SemanticIdReportOptionsValidator : IValidateOptions<SemanticIdReportOptions>;
