using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Configures <see cref="LcRecTrainer"/>.</summary>
public sealed class LcRecOptions
{
    /// <summary>Gets or sets the language model.</summary>
    [ValidateObjectMembers]
    public LanguageModelOptions Model { get; set; } = new();

    /// <summary>Gets or sets the supervised training. Its seed is the shared one.</summary>
    /// <value>The default is 3 epochs of batches of 128 at 0.0003 after a warm-up of 20 steps, without label smoothing and dropout.</value>
    [ValidateObjectMembers(typeof(SftOptionsValidator))]
    public SftOptions Sft { get; set; } = RivalTraining.Sft();

    /// <summary>Gets or sets how requests are served.</summary>
    [ValidateObjectMembers(typeof(RecommenderOptionsValidator))]
    public RecommenderOptions Recommender { get; set; } = new() { MaxHistoryItems = 10 };

    /// <summary>Gets or sets whether the tasks of titles and preferences are learned beside next items; without them the model is a
    /// plain fine-tuned one.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool AlignTitles { get; set; } = true;

    /// <summary>Gets or sets what the items are, in the plural; prompts name it.</summary>
    /// <value>The default is <c>items</c>.</value>
    [Required]
    public string Category { get; set; } = "items";

    internal LcRecOptions Validated() => OptionsValidation.Validated(this, new LcRecOptionsValidator());

    internal LcRecOptions Copy() => (LcRecOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class LcRecOptionsValidator : IValidateOptions<LcRecOptions>;
