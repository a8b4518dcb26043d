using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Configures <see cref="RecommenderHost"/>.</summary>
public sealed class RecommenderHostOptions
{
    /// <summary>Gets or sets the device on which folders are loaded: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <value>The default is <c>cpu</c>.</value>
    [Required]
    [RegularExpression("^(cpu|cuda(:[0-9]+)?)$", ErrorMessage = "Device must be 'cpu', 'cuda' or 'cuda:N'.")]
    public string Device { get; set; } = "cpu";

    /// <summary>Gets or sets whether the version before the active one stays in memory, so that <see cref="RecommenderHost.RollbackAsync"/>
    /// can serve it again.</summary>
    /// <value>The default is <see langword="false"/>: it is disposed when its last request is answered.</value>
    public bool KeepPrevious { get; set; }

    /// <summary>Gets or sets what disposal does with requests that have no answer yet.</summary>
    /// <value>The default is <see cref="PendingRequests.Answer"/>.</value>
    [EnumDataType(typeof(PendingRequests))]
    public PendingRequests PendingOnDispose { get; set; } = PendingRequests.Answer;

    /// <summary>
    /// Gets or sets what a version goes through before it serves, or <see langword="null"/> for one request of its first item. It may ask
    /// requests of the application's own and check the answers; where it throws, the version is not taken into service.
    /// </summary>
    public Func<IRecommender, CancellationToken, Task>? WarmUp { get; set; }

    internal RecommenderHostOptions Copy() => (RecommenderHostOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class RecommenderHostOptionsValidator : IValidateOptions<RecommenderHostOptions>;
