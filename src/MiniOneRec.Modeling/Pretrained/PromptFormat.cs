namespace MiniOneRec.Modeling;

/// <summary>Names the templates that <see cref="GenerativeRecommenderFactory"/> makes.</summary>
public enum PromptFormat
{
    /// <summary>A task token and codes (<see cref="CompactTemplate"/>): for decoders that are trained from scratch.</summary>
    Compact,

    /// <summary>The prompts of the reference system (<c>AlpacaTemplate</c> of MiniOneRec.Pretrained): for pretrained base models.</summary>
    Alpaca,

    /// <summary>The chat format of the pretrained model (<c>ChatTemplate</c> of MiniOneRec.Pretrained): for models that were tuned on
    /// conversations.</summary>
    Chat,
}
