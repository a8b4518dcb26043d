using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Configures <see cref="SdpoTrainer"/>.</summary>
public sealed class SdpoOptions
{
    /// <summary>Gets or sets the language model; one with fresh weights reads semantic IDs alone and needs no tokenizer.</summary>
    [ValidateObjectMembers]
    public LanguageModelOptions Model { get; set; } = new();

    /// <summary>Gets or sets the supervised training that comes first. Its seed is the shared one.</summary>
    /// <value>The default is 3 epochs of batches of 128 at 0.0003 after a warm-up of 20 steps, without label smoothing and dropout.</value>
    [ValidateObjectMembers(typeof(SftOptionsValidator))]
    public SftOptions Sft { get; set; } = RivalTraining.Sft();

    /// <summary>Gets or sets the preference training. Its seed is the shared one.</summary>
    /// <value>The default is β 0.1 with three rejected items drawn evenly, at 0.00001.</value>
    [ValidateObjectMembers(typeof(PreferenceOptionsValidator))]
    public PreferenceOptions Preference { get; set; } = new() { LearningRate = 1e-5 };

    /// <summary>Gets or sets how requests are served.</summary>
    [ValidateObjectMembers(typeof(RecommenderOptionsValidator))]
    public RecommenderOptions Recommender { get; set; } = new() { MaxHistoryItems = 10 };

    internal SdpoOptions Validated() => OptionsValidation.Validated(this, new SdpoOptionsValidator());

    internal SdpoOptions Copy() => (SdpoOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class SdpoOptionsValidator : IValidateOptions<SdpoOptions>;
