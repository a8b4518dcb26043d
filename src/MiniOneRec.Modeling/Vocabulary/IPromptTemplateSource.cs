namespace MiniOneRec.Modeling;

/// <summary>Brings the prompt templates of another package.</summary>
internal interface IPromptTemplateSource
{
    /// <summary>Gets the loaders of the templates.</summary>
    IReadOnlyList<PromptTemplateLoader> Loaders { get; }
}
