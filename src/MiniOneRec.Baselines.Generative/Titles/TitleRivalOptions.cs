using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Holds the options that rivals which write titles share.</summary>
public abstract class TitleRivalOptions
{
    /// <summary>Gets or sets the language model.</summary>
    [ValidateObjectMembers]
    [JsonIgnore]
    public LanguageModelOptions Model { get; set; } = new();

    /// <summary>Gets or sets the supervised training. Its seed is the shared one; there is no validation, so that the last weights are
    /// kept.</summary>
    /// <value>The default is 3 epochs of batches of 128 at 0.0003 after a warm-up of 20 steps, without label smoothing and dropout.</value>
    [ValidateObjectMembers(typeof(SftOptionsValidator))]
    [JsonIgnore]
    public SftOptions Sft { get; set; } = RivalTraining.Sft();

    /// <summary>Gets or sets what the items are, in the plural; prompts name it.</summary>
    /// <value>The default is <c>items</c>.</value>
    [Required]
    public string Category { get; set; } = "items";

    /// <summary>Gets or sets how many of a history's most recent titles enter the prompt.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1_024)]
    public int MaxHistoryItems { get; set; } = 10;

    /// <summary>Gets or sets how many tokens of a title are learned and written; longer titles are cut.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 4_096)]
    public int MaxTitleTokens { get; set; } = 64;
}
