using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>The shape of Qwen2.5-0.5B with three levels of 256 codes behind its vocabulary, which large models are measured at.</summary>
internal static class QwenShape
{
    /// <summary>The token of the first code.</summary>
    public const int FirstCode = 151_936;

    /// <summary>Makes the configuration, with fewer layers where time or memory is short.</summary>
    public static DecoderConfig Of(int layers) => new()
    {
        VocabularySize = FirstCode + 3 * 256, HiddenSize = 896, IntermediateSize = 4_864, LayerCount = layers, HeadCount = 14,
            KeyValueHeadCount = 2, RopeTheta = 1e6,
    };
}
